/** Requests that two processes agree on by number. */
import type { VppMemifPort } from "../../../src/cni/network/HostPort.ts"
import type { PortRequest } from "../../../src/vswitch/Vswitch.ts"
import { memifPort } from "../../vswitch/support/MinimalPorts.ts"

const port: VppMemifPort = {
  ...memifPort,
  control: "",
  network: { netType: "bridge", bridgeDomain: 77, vlan: undefined }
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

/** Every other one with a limit; on a VPP without policers they have none. */
export const numberedAndLimited: typeof numbered = (directory, number) =>
  number % 2 === 0
    ? numbered(directory, number)
    : { ...numbered(directory, number), port: { ...port, limits: [{ direction: "input", rate: 1000, burst: 10_000 }] } }
