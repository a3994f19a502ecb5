/** Requests that two processes agree on by number. */
import type { VppMemifPort } from "../../../src/cni/HostPort.ts"
import type { PortRequest } from "../../../src/vswitch/Vswitch.ts"

const port: VppMemifPort = {
  engine: "vpp",
  iftype: "memif",
  control: "",
  mtu: undefined,
  mac: undefined,
  socketFile: undefined,
  group: undefined,
  network: { netType: "bridge", bridgeDomain: 77, vlan: undefined },
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

export const numbered = (directory: string, number: number): PortRequest & { readonly port: VppMemifPort } => ({
  attachment: {
    network: "net",
    containerId: number.toString(16).padStart(64, "0"),
    ifName: "net1",
    netns: "",
    pod: undefined
  },
  invocation: `${number.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`,
  port,
  socketPath: `${directory}/${number}.sock`,
  mac: "02:00:00:00:00:01",
  addresses: []
})
