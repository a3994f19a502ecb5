/** `userspace gc` on a node in memory: its command line, and three attachments. */
import { Effect } from "effect"
import { portName } from "../../../src/identity/Attachment.ts"
import { network } from "../../dry-run/support/Calls.ts"
import { make, type Node } from "../../dry-run/support/MemoryNode.ts"
import { add } from "./Attached.ts"
import { file, type } from "./Terminal.ts"

const config = file("net.conf", network)
export const valid = (...ids: ReadonlyArray<string>) =>
  file(
    "valid.json",
    ids.map((containerID) => ({ containerID, ifname: "net1" }))
  )

export const collect = Effect.fnUntraced(function* (node: Node, ...args: ReadonlyArray<string>) {
  return yield* type(node, ["gc", "--config", yield* config, ...args])
})

export const three = Effect.fnUntraced(function* () {
  const node = make()
  for (const id of ["c1", "c2", "c3"]) yield* add(node, id)
  return node
})

export const ports = (node: Node) =>
  node.ovs.dump().filter((line) => line.startsWith("Interface ") && line.includes("usp"))

export const portOf = (containerId: string) => portName({ network: "net-a", containerId, ifName: "net1" })
