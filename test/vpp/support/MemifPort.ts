/** A memif on VPP with a minimal configuration: each test adds its network, and its subject. */
import type { VppMemifPort } from "../../../src/cni/network/HostPort.ts"

export const memifPort: Omit<VppMemifPort, "network"> = {
  engine: "vpp",
  iftype: "memif",
  control: "",
  mtu: undefined,
  mac: undefined,
  socketFile: undefined,
  group: undefined,
  limits: [],
  role: "master",
  mode: "ethernet",
  abstract: false,
  rxQueues: undefined,
  txQueues: undefined,
  ringSize: undefined,
  bufferSize: undefined,
  secret: undefined,
  noZeroCopy: false,
  useDma: false
}
