/** One call of a delegate, as the programs make it. */
import type { Delegation } from "../../../src/ipam/Ipam.ts"

export const asked = (
  path: ReadonlyArray<string>,
  configuration = '{"cniVersion":"1.0.0","name":"n"}'
): Delegation => ({
  plugin: "plug-in",
  configuration,
  path,
  variables: {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "0123456789abcdef",
    CNI_NETNS: "/var/run/netns/x",
    CNI_IFNAME: "net1",
    CNI_ARGS: "IgnoreUnknown=1;IP=10.0.0.9",
    CNI_PATH: path.join(":"),
    TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    PATH: process.env["PATH"],
    ABSENT: undefined
  }
})
