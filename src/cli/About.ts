/** The executable's description of itself. Pure. */
import { version } from "../app/Version.ts"
import { supportedVersions } from "../cni/spec/Versions.ts"

export const purpose = "CNI plugin for vhost-user and memif interfaces on Open vSwitch with DPDK and on VPP"

/** Printed without a verb and without arguments, as by Go's skeleton, with where to continue. */
export const about = [
  `userspace-cni ${version}: ${purpose}`,
  `CNI protocol versions supported: ${supportedVersions.join(", ")}`,
  "A container runtime runs it with CNI_COMMAND. By hand: `userspace --help`."
].join("\n")
