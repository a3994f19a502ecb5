/** A memif on VPP whose configuration says nothing of it: each test adds its network, and what it is about. */
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
