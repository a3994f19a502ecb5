/**
 * Every transaction of the plugin, as data, and the columns that it reads (ovs-vswitchd.conf.db(5), schema Open_vSwitch
 * 8). The client sends it, the dry run prints it, tests read it. Pure. Columns that other clients also change are only
 * changed by `mutate`: an `update` of `ports` from an old read would delete their ports. Every precondition is a `wait`
 * with timeout 0 in the same transaction. RFC 7047, section 5.2.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import {
  boolean,
  type Condition,
  integer,
  type Kind,
  map,
  named,
  type Operation,
  optional,
  type Reference,
  type Row,
  reference,
  set,
  setOf,
  strings,
  text,
  uuid,
  type Value
} from "./OvsdbMessages.ts"
import type { PortPlan } from "./PortPlan.ts"
import * as Marks from "./PortPlan.ts"

type Column = <A>(name: string, kind: Kind<A>) => A

/** A table's name, the requested columns, and the decoder of their rows. */
export interface Table<Row> {
  readonly name: string
  readonly columns: ReadonlyArray<string>
  /** A failure describes the unexpected value of a column. */
  readonly read: (wire: unknown) => Result.Result<Row, string>
}

/** Defines a table; `row` reads its columns. */
export const table = <Row>(name: string, row: (column: Column) => Row): Table<Row> => {
  const columns: Array<string> = []
  row((column, { empty }) => {
    columns.push(column)
    return empty
  })
  return {
    name,
    columns,
    read: (wire) => {
      const values = Predicate.isReadonlyObject(wire) ? wire : {}
      const wrong: Array<string> = []
      const read = row((column, kind) =>
        Option.getOrElse(kind.read(Predicate.hasProperty(values, column) ? values[column] : undefined), () => {
          wrong.push(`column ${column} is not ${kind.name}`)
          return kind.empty
        })
      )
      return wrong.length === 0 ? Result.succeed(read) : Result.fail(wrong.join(", "))
    }
  }
}

const integers = setOf(integer)
const maybeInteger = optional(integer)
const maybeText = optional(text)

export const Root = table("Open_vSwitch", (column) => ({
  _uuid: column("_uuid", reference),
  cur_cfg: column("cur_cfg", integer),
  next_cfg: column("next_cfg", integer),
  dpdk_initialized: column("dpdk_initialized", boolean),
  iface_types: column("iface_types", setOf(text))
}))

export const Bridge = table("Bridge", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  datapath_type: column("datapath_type", text),
  datapath_id: column("datapath_id", maybeText),
  fail_mode: column("fail_mode", maybeText),
  external_ids: column("external_ids", strings)
}))

export const Port = table("Port", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  interfaces: column("interfaces", setOf(reference)),
  tag: column("tag", maybeInteger),
  trunks: column("trunks", integers),
  vlan_mode: column("vlan_mode", maybeText),
  external_ids: column("external_ids", strings)
}))

export const Interface = table("Interface", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  type: column("type", text),
  options: column("options", strings),
  ofport: column("ofport", maybeInteger),
  error: column("error", maybeText),
  link_state: column("link_state", maybeText),
  mtu: column("mtu", maybeInteger),
  mtu_request: column("mtu_request", maybeInteger),
  ingress_policing_rate: column("ingress_policing_rate", integer),
  ingress_policing_burst: column("ingress_policing_burst", integer),
  status: column("status", strings),
  external_ids: column("external_ids", strings)
}))

export type RowOf<T> = T extends Table<infer Row> ? Readonly<Row> : never

export type RootRow = RowOf<typeof Root>
export type BridgeRow = RowOf<typeof Bridge>
export type PortRow = RowOf<typeof Port>
export type InterfaceRow = RowOf<typeof Interface>

export const select = (
  table: Pick<Table<unknown>, "name" | "columns">,
  where: ReadonlyArray<Condition>
): Operation => ({
  op: "select",
  table: table.name,
  where,
  columns: table.columns
})

/** The table has one row (ovs-vswitchd.conf.db(5)). */
const theRoot: ReadonlyArray<Condition> = []

export const is = (id: string): Condition => ["_uuid", "==", uuid(id)]
export const nameIs = (name: string): Condition => ["name", "==", name]
/** The server selects the rows, so the cost for the client does not grow with the number of ports. */
export const marked = (ids: Marks.ExternalIds): Condition => ["external_ids", "includes", map(ids)]
export const holds = (port: string): Condition => ["ports", "includes", set([uuid(port)])]
const connectsTo = (path: string): Condition => ["options", "includes", map({ "vhost-server-path": path })]

/** Reads everything that a plug needs, in one round trip. `OvsClient` reads the results by these positions. */
export const survey = (plan: PortPlan): ReadonlyArray<Operation> => [
  select(Root, theRoot),
  select(Bridge, [nameIs(plan.bridge)]),
  select(Port, [nameIs(plan.name)]),
  select(Port, [marked(plan.mark)]),
  select(Interface, [connectsTo(plan.socket)])
]

/** Inserts the bridge if missing, port and interface, and requests that ovs-vswitchd applies them. */
export const addPort = (
  plan: PortPlan,
  { bridge }: { readonly bridge: BridgeRow | undefined }
): ReadonlyArray<Operation> => [
  bridge === undefined ? absent(Bridge, nameIs(plan.bridge)) : stillNetdev(bridge),
  absent(Port, nameIs(plan.name)),
  absent(Interface, plan.type === "dpdkvhostuserclient" ? connectsTo(plan.socket) : nameIs(plan.name)),
  { op: "comment", comment: `userspace-cni: add port ${plan.name} to ${plan.bridge}` },
  insert(Interface, "interface", { name: plan.name, ...plan.interface, external_ids: map(plan.interfaceIds) }),
  insert(Port, "port", {
    name: plan.name,
    interfaces: named("interface"),
    ...plan.port,
    external_ids: map({ ...plan.portIds, ...(needsFlow(plan, bridge) ? Marks.flowMark(plan.cookie) : {}) })
  }),
  ...(bridge === undefined ? newBridge(plan.bridge) : [mutatePorts(bridge, "insert", [named("port")])]),
  bump,
  select(Root, theRoot)
]

/** A bridge in fail_mode secure drops packets without a matching flow; every other bridge learns. */
export const needsFlow = (plan: PortPlan, bridge: BridgeRow | undefined): boolean =>
  plan.wanted.netType === "bridge" && bridge?.fail_mode === "secure"

/** Positions of the results that name new rows. The last result is the row of Open_vSwitch. */
export const addPortPlaces = { interface: 4, bridgeWhenNew: 8 } as const

const newBridge = (name: string): ReadonlyArray<Operation> => [
  insert(Interface, "local_interface", { name, type: "internal" }),
  insert(Port, "local_port", { name, interfaces: named("local_interface") }),
  insert(Bridge, "bridge", {
    name,
    datapath_type: "netdev",
    // Without fail_mode and controller, the bridge learns addresses.
    ports: set([named("local_port"), named("port")]),
    external_ids: map(Marks.bridgeMark)
  }),
  mutateBridges("insert", named("bridge"))
]

/**
 * Removes `port` from its bridge; the database removes unreferenced rows. A bridge of the plugin is removed with its
 * last port: `last` means that it has no other port than this and its own. Both forms verify that, so they neither
 * remove a bridge with a concurrent port, nor leave an empty one when two ports are removed at once.
 */
export const removePort = (
  bridge: BridgeRow,
  port: PortRow,
  local: PortRow | undefined,
  last: boolean
): ReadonlyArray<Operation> => {
  const rest = set([port, ...(local === undefined ? [] : [local])].map(({ _uuid }) => uuid(_uuid)))
  return [
    ...(isOurs(bridge) ? [portsAre(bridge, last ? "==" : "!=", rest)] : []),
    { op: "comment", comment: `userspace-cni: remove port ${port.name}${last ? ` with bridge ${bridge.name}` : ""}` },
    last ? mutateBridges("delete", uuid(bridge._uuid)) : mutatePorts(bridge, "delete", [uuid(port._uuid)]),
    bump
  ]
}

/** Removes a bridge of the plugin that has only its own port, because another client removed the last one. */
export const removeIdleBridge = (bridge: BridgeRow, local: PortRow): ReadonlyArray<Operation> => [
  portsAre(bridge, "==", set([uuid(local._uuid)])),
  { op: "comment", comment: `userspace-cni: remove idle bridge ${bridge.name}` },
  mutateBridges("delete", uuid(bridge._uuid)),
  bump
]

export const isOurs = (bridge: BridgeRow): boolean => bridge.external_ids[Marks.formatKey] === Marks.format

/** Waits until ovs-vswitchd has moved on from configuration `seen`, then reads its number. */
export const progress = (seen: number, millis: number): ReadonlyArray<Operation> => [
  {
    op: "wait",
    table: Root.name,
    where: theRoot,
    columns: ["cur_cfg"],
    until: "!=",
    rows: [{ cur_cfg: seen }],
    timeout: millis
  },
  select(Root, theRoot)
]

export const insert = (table: Pick<Table<unknown>, "name">, name: string, row: Row): Operation => ({
  op: "insert",
  table: table.name,
  "uuid-name": name,
  row
})

/** A precondition: the transaction fails unless the row with these values is, or with `!=` is not, as it was read. */
const stillIs = (where: ReadonlyArray<Condition>, row: Row, until: "==" | "!=" = "=="): Operation => ({
  op: "wait",
  table: Bridge.name,
  where,
  columns: Object.keys(row),
  until,
  rows: [row],
  timeout: 0
})

export const absent = (table: Pick<Table<unknown>, "name">, condition: Condition): Operation => ({
  op: "wait",
  table: table.name,
  where: [condition],
  columns: ["name"],
  until: "==",
  rows: [],
  timeout: 0
})

/** A bridge that has been replaced, or has lost the port, is none. */
export const stillHolds = (bridge: BridgeRow, port: PortRow): Operation =>
  stillIs([is(bridge._uuid), holds(port._uuid)], { name: bridge.name })

const stillNetdev = ({ _uuid }: BridgeRow): Operation => stillIs([is(_uuid)], { datapath_type: "netdev" })

const portsAre = ({ _uuid }: BridgeRow, until: "==" | "!=", ports: Value): Operation =>
  stillIs([is(_uuid)], { ports }, until)

const mutatePorts = (bridge: BridgeRow, mutator: "insert" | "delete", ports: ReadonlyArray<Reference>): Operation => ({
  op: "mutate",
  table: Bridge.name,
  where: [is(bridge._uuid)],
  mutations: [["ports", mutator, set(ports)]]
})

const mutateBridges = (mutator: "insert" | "delete", bridge: Reference): Operation => ({
  op: "mutate",
  table: Root.name,
  where: theRoot,
  mutations: [["bridges", mutator, set([bridge])]]
})

/** ovs-vswitchd copies next_cfg to cur_cfg when it has applied everything that was committed with it. */
export const bump: Operation = {
  op: "mutate",
  table: Root.name,
  where: theRoot,
  mutations: [["next_cfg", "+=", 1]]
}
