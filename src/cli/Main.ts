/** The command line: loaded when CNI_COMMAND is absent. Says what this is, as CNI plugins do. */
import { complain } from "../cni/Log.ts"
import { supportedVersions } from "../cni/Versions.ts"

export const run = (): void => {
  complain("CNI userspace plugin: vhost-user and memif interfaces on Open vSwitch with DPDK and on VPP")
  complain(`CNI protocol versions supported: ${supportedVersions.join(", ")}`)
}
