/** Three pods with four interfaces, whose attachments are recorded on a node in memory. */
import { Effect } from "effect"
import { portName } from "../../../src/identity/Attachment.ts"
import { make, type Node } from "../../dry-run/support/MemoryNode.ts"
import { add } from "./Attached.ts"

export const portOf = (containerId: string, ifName = "net1") => portName({ network: "net-a", containerId, ifName })

export const pod = (name: string) => ({
  CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_INFRA_CONTAINER_ID=x;K8S_POD_UID=u1`
})

export const long = ["0958c8871b32aaaa", "0958c8871b32bbbb", "7d1c0b6a9e55cafe"] as const

/** Two interfaces of one pod, and one each of two others. */
export const three = Effect.fnUntraced(function* () {
  const node = make()
  yield* add(node, long[0], pod("web-0"))
  yield* add(node, long[0], { ...pod("web-0"), CNI_IFNAME: "net2" })
  yield* add(node, long[1], pod("web-1"))
  yield* add(node, long[2], pod("web-2"))
  return node
})

export const ports = (node: Node) =>
  node.ovs.dump().filter((line) => line.startsWith("Interface ") && line.includes("usp"))

export const rows = (stdout: string) => stdout.split("\n\n")[0]?.split("\n").slice(1) ?? []
