/** What the executable says of itself. Pure. */
import { version } from "../app/Version.ts"
import { supportedVersions } from "../cni/spec/Versions.ts"

export const purpose = "CNI plugin for vhost-user and memif interfaces on Open vSwitch with DPDK and on VPP"

/** When it is run without a verb and without arguments: as Go's skeleton has it, and where to go from there. */
export const about = [
  `userspace-cni ${version}: ${purpose}`,
  `CNI protocol versions supported: ${supportedVersions.join(", ")}`,
  "A container runtime runs it with CNI_COMMAND. By hand: `userspace --help`."
].join("\n")
