/** Attachments on a node in memory, added as a runtime does, and changes to them. */
import { Effect } from "effect"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import { network, real } from "../../dry-run/support/Calls.ts"
import type { Node } from "../../dry-run/support/MemoryNode.ts"
import * as OvsMemory from "../../ovs/support/OvsMemory.ts"

export const stateDir = "/var/lib/cni/usrspcni"

export const recordOf = (handle: string) => `${stateDir}/attachments/${handle}.json`

export const sandboxOf = (containerId: string) => `/var/run/netns/${containerId}`

/** In a separate sandbox. */
export const add = (
  node: Node,
  containerId: string,
  more: Readonly<Record<string, string>> = {},
  conf: Readonly<Record<string, unknown>> = {}
) => {
  const netns = sandboxOf(containerId)
  node.sandboxes.add(netns)
  return real(node, "ADD", { ...network, ...conf }, { CNI_CONTAINERID: containerId, CNI_NETNS: netns, ...more })
}

/** A change by somebody else. */
export const removePort = ({ ovs }: Node, name: string) =>
  Effect.flatMap(OvsClient, (client) =>
    Effect.flatMap(client.portNamed(name), (row) => client.removePorts(row === undefined ? [] : [row]))
  ).pipe(Effect.provide(OvsMemory.layer(ovs)), Effect.orDie)

export const loseRecords = ({ files }: Node) => {
  for (const line of files.dump().toReversed()) {
    const [path = ""] = line.split(" ")
    if (path.startsWith(`${stateDir}/attachments`)) files.remove(path)
  }
}
