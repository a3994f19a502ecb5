/** What is tried on which node, by what the nodes say of themselves, and what is not, and why. Pure. */
import type { FleetNode, Status } from "../kubernetes/UserspaceNode.ts"

export type Switch = Status["switches"][number]

export type Trial =
  | { readonly kind: "attach" | "two" | "user" | "force" | "many" }
  | { readonly kind: "bridge"; readonly bridge: string }
  | { readonly kind: "device"; readonly resource: string }
  | { readonly kind: "plain" | "kernel" }

export interface Case {
  readonly node: string
  /** Undefined: pods without a network of the plugin. */
  readonly on: Switch | undefined
  readonly trial: Trial
  readonly name: string
}

export interface Skipped {
  readonly node: string
  readonly name: string
  readonly why: string
}

export interface Wanted {
  /** Undefined: the first that have a switch. */
  readonly nodes: ReadonlyArray<string> | undefined
  /** Pods at once. */
  readonly pods: number
  readonly kernelBridges: boolean
}

export interface Plan {
  readonly cases: ReadonlyArray<Case>
  readonly skipped: ReadonlyArray<Skipped>
}

/** Without names: some nodes show whether the installation works. */
const most = 3

/** Bridges of a switch that are tried beside the own one. */
const mostBridges = 4

const every = "every node"

/** Of the whole list of what can go wrong; each is a test of the project on a real switch (docs/verify.md). */
const untried: ReadonlyArray<Skipped> = (
  [
    ["packets counted", "the plugin's image has no application that sends packets"],
    ["hostPath instead of emptyDir", "it would leave a directory on the node"],
    ["new sandbox, agent killed, API server unreachable, lost DEL", "they disturb other pods of the node"],
    ["upgrade from the release before", "it would change the installation"],
    ["rights that are used", "the audit log of the API server is not reached from here"]
  ] as const
).map(([name, why]) => ({ node: every, name, why }))

const usable = ({ status }: FleetNode): ReadonlyArray<Switch> =>
  status?.switches.filter(({ reachable }) => reachable) ?? []

const whyNot = ({ status }: FleetNode): string => {
  if (status === undefined) return "its agent has written nothing, or in another form"
  const [first] = status.switches
  return first === undefined ? "no switch" : `${first.engine} does not answer: ${first.message}`
}

export const planFor = (all: ReadonlyArray<FleetNode>, { kernelBridges, nodes, pods }: Wanted): Plan => {
  const considered = nodes === undefined ? all : all.filter(({ name }) => nodes.includes(name))
  const able = considered.filter((node) => usable(node).length > 0)
  const chosen = nodes === undefined ? able.slice(0, most) : able
  const skipped: ReadonlyArray<Skipped> = [
    ...(nodes ?? [])
      .filter((name) => !all.some((node) => node.name === name))
      .map((name) => ({ node: name, name: "everything", why: "there is no UserspaceNode of this name" })),
    ...considered
      .filter((node) => !chosen.includes(node))
      .map((node) => ({
        node: node.name,
        name: "everything",
        why: able.includes(node) ? `${most} nodes are enough; --node names others` : whyNot(node)
      }))
  ]
  const plans = chosen.map((node) => ofNode(node, pods, kernelBridges))
  return {
    cases: plans.flatMap(({ cases }) => cases),
    skipped: [...skipped, ...plans.flatMap((plan) => plan.skipped), ...untried]
  }
}

const ofNode = (node: FleetNode, pods: number, kernelBridges: boolean): Plan => {
  const switches = usable(node)
  const plans = switches.map((on) => ofSwitch(node.name, on, pods))
  const devices = devicesOf(node, switches)
  const one = (trial: Trial, name: string): Case => ({ node: node.name, on: undefined, trial, name })
  return {
    cases: [
      ...plans.flatMap(({ cases }) => cases),
      ...devices.cases,
      one({ kind: "plain" }, `${pods} pods at once without a network`),
      ...(kernelBridges ? [one({ kind: "kernel" }, `${pods} pods at once, two networks of the plugin bridge`)] : [])
    ],
    skipped: [
      ...(node.status?.switches ?? [])
        .filter(({ reachable }) => !reachable)
        .map(({ engine, message }) => ({ node: node.name, name: engine, why: `it does not answer: ${message}` })),
      ...plans.flatMap(({ skipped }) => skipped),
      ...devices.skipped,
      ...(kernelBridges
        ? []
        : [
            {
              node: node.name,
              name: "two networks of the plugin bridge",
              why: "that plugin leaves its bridges on the node; --with-kernel-bridges compares all the same"
            }
          ])
    ]
  }
}

const ofSwitch = (node: string, on: Switch, pods: number): Plan => {
  const one = (trial: Trial, name: string): Case => ({ node, on, trial, name })
  const fit = on.bridges.filter(({ datapath, healthy }) => datapath === "netdev" && healthy)
  const skip = (name: string, why: string): Skipped => ({ node, name: `bridge ${name}`, why })
  return {
    cases: [
      one({ kind: "attach" }, "attach and detach"),
      ...fit
        .slice(0, mostBridges)
        .map(({ name }) => one({ kind: "bridge", bridge: name }, `attach and detach on the bridge ${name}`)),
      one({ kind: "two" }, "two networks in a pod"),
      one({ kind: "user" }, "application without root"),
      one({ kind: "force" }, "deleted by force, one of two while it starts"),
      one({ kind: "many" }, `${pods} pods at once, two networks each`)
    ],
    skipped: [
      ...on.bridges
        .filter((bridge) => !fit.includes(bridge))
        .map(({ datapath, name }) =>
          skip(name, datapath === "netdev" ? "the doctor finds it unhealthy" : `its datapath is ${datapath}`)
        ),
      ...fit.slice(mostBridges).map(({ name }) => skip(name, `${mostBridges} bridges are enough`))
    ]
  }
}

const devicesOf = ({ name: node, status }: FleetNode, switches: ReadonlyArray<Switch>): Plan => {
  const [on, another] = switches
  const resources = status?.resources ?? []
  const judged = resources.map(({ name: resource, total, unhealthy, used }) => {
    const free = total - used - unhealthy
    const name = `a device of ${resource}`
    const why =
      another !== undefined
        ? "the node has several switches, and the object does not say of which the resource is"
        : free < 1
          ? `none of ${total} is free and healthy`
          : undefined
    return { resource, name, why }
  })
  return {
    cases: judged
      .filter(({ why }) => why === undefined)
      .map(({ name, resource }) => ({ node, on, trial: { kind: "device", resource }, name })),
    skipped:
      resources.length === 0
        ? [{ node, name: "devices", why: "the agent offers none" }]
        : judged.flatMap(({ name, why }) => (why === undefined ? [] : [{ node, name, why }]))
  }
}
