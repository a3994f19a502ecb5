/** What the objects of nodes say, for people, as JSON, and as exit status. Pure. */
import { findings } from "../../attachment/doctor/findings/Findings.ts"
import type { FleetNode } from "../../kubernetes/UserspaceNode.ts"
import { type Column, type Style, table } from "./Printer.ts"

type State = "ok" | "wrong" | "no switch" | "unknown"

/** A node without a switch, where nothing asks for one, is not wrong. */
const stateOf = ({ status }: FleetNode): State => {
  if (status === undefined) return "unknown"
  const of = (type: string) => status.conditions.find((one) => one.type === type)
  if (of("SwitchReachable")?.reason === "NoSwitch" && status.summary.attachments === 0) return "no switch"
  if (["Ready", "SwitchReachable", "Healthy"].some((type) => of(type)?.status === "False")) return "wrong"
  return of("Healthy")?.status === "True" ? "ok" : "unknown"
}

/** 1: a node is wrong; 2: of a node it is not known. */
export const fleetStatus = (nodes: ReadonlyArray<FleetNode>): 0 | 1 | 2 => {
  const states = new Set(nodes.map(stateOf))
  return states.has("wrong") ? 1 : states.has("unknown") ? 2 : 0
}

const columns: ReadonlyArray<Column<FleetNode>> = [
  { head: "NODE", of: ({ name }) => name },
  { head: "STATE", of: stateOf },
  { head: "SWITCHES", of: ({ status }) => status?.summary.switches ?? "" },
  {
    head: "ATTACHMENTS",
    of: ({ status }) => status?.summary.attachments,
    text: ({ status }) => String(status?.summary.attachments ?? "-")
  },
  { head: "FINDINGS", of: ({ status }) => status?.summary.findings ?? "" },
  { head: "HEALED", of: ({ status }) => status?.summary.healed ?? "" },
  { head: "VERSION", of: ({ status }) => status?.version ?? "" }
]

const worstFirst: ReadonlyArray<State> = ["wrong", "unknown", "ok", "no switch"]

export const fleetText = (nodes: ReadonlyArray<FleetNode>, style: Style): string => {
  if (nodes.length === 0) return "No agent has written the object of its node."
  const groups = worstFirst.map((state) => ({ state, nodes: nodes.filter((node) => stateOf(node) === state) }))
  const counts = groups.flatMap(({ nodes: { length }, state }) => (length === 0 ? [] : [`${length} ${state}`]))
  const total = `${nodes.length} ${nodes.length === 1 ? "node" : "nodes"}`
  const sorted = groups.flatMap((group) => group.nodes)
  return [table(sorted, columns, style), "", `${total}: ${counts.join(", ")}.`].join("\n")
}

export const fleetJson = (nodes: ReadonlyArray<FleetNode>) => ({
  status: fleetStatus(nodes),
  nodes: nodes.map(nodeJson)
})

export const nodeJson = (node: FleetNode) => ({ name: node.name, state: stateOf(node), status: node.status ?? null })

/** Another version of the agent may know others. */
const entryOf = (id: string) => Object.entries(findings).find(([known]) => known === id)?.[1]

/** What `doctor --node` prints: what the node's agent has written, with the cures of its findings. */
export const nodeText = ({ name, status }: FleetNode, { faint, strong }: Style): string => {
  if (status === undefined) return `Node ${name}: its agent has written nothing yet, or is of another version.`
  return [
    strong(`Node ${name}, userspace-cni ${status.version}`),
    ...status.conditions.map(
      (one) => `  ${one.type}: ${one.status} since ${one.lastTransitionTime}, ${one.reason}: ${one.message}`
    ),
    ...status.switches.flatMap((one) => [
      `  ${one.engine} on ${one.control}: ${one.reachable ? `version ${one.version || "unknown"}` : one.message}`,
      ...one.bridges.map(
        (bridge) => `    bridge ${bridge.name} (${bridge.datapath})${bridge.healthy ? "" : ": not healthy"}`
      )
    ]),
    ...status.attachments.map((one) => {
      const states = Object.entries(one.states).map(([state, count]) => `${count} ${state}`)
      return `  network ${one.network || "unknown"}: ${one.total} attachments, ${states.join(", ")}`
    }),
    ...status.resources.map(
      ({ name: resource, total, unhealthy, used }) =>
        `  ${resource}: ${used} of ${total} used${unhealthy === 0 ? "" : `, ${unhealthy} unhealthy`}`
    ),
    ...status.healed.map(({ count, kind, last }) => `  healed: ${kind}, ${count} times, the last ${last}`),
    "",
    ...status.findings.flatMap(({ count, id, severity }) => {
      const entry = entryOf(id)
      return [
        strong(`${severity} ${id} (${count})`),
        ...(entry === undefined ? [] : [`  ${entry.means}`, `  -> ${entry.cure}`])
      ]
    }),
    status.findings.length === 0 ? "No findings." : faint("`userspace doctor` on the node tells whom they concern.")
  ].join("\n")
}
