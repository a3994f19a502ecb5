/**
 * Open vSwitch for `userspace doctor`: four tables in one transaction, and ovs-vswitchd's own reports; and what they
 * say of bridges and ports. Loaded on demand.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Explained } from "../cni/types/CniError.ts"
import { keyOf } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
import type { BridgeView, OvsView, PortView, View } from "../vswitch/View.ts"
import * as Daemon from "./client/Daemon.ts"
import * as JsonRpc from "./client/JsonRpc.ts"
import { openDatabase } from "./client/JsonRpc.ts"
import { rowsOf } from "./client/OvsClient.ts"
import { fromOvsdb, Malformed, OvsdbError, toError } from "./client/OvsdbError.ts"
import { boolean, integer, numbersNamed, optional, reference, setOf, strings, text } from "./client/OvsdbMessages.ts"
import * as Marks from "./client/PortPlan.ts"
import { type RowOf, select, table } from "./client/Transactions.ts"

/** The tables, with other columns than a verb needs. ovs-vswitchd.conf.db(5). */
const Root = table("Open_vSwitch", (column) => ({
  ovs_version: column("ovs_version", optional(text)),
  dpdk_version: column("dpdk_version", optional(text)),
  dpdk_initialized: column("dpdk_initialized", boolean),
  iface_types: column("iface_types", setOf(text))
}))

const Bridge = table("Bridge", (column) => ({
  name: column("name", text),
  datapath_type: column("datapath_type", text),
  fail_mode: column("fail_mode", optional(text)),
  ports: column("ports", setOf(reference))
}))

const Port = table("Port", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  interfaces: column("interfaces", setOf(reference)),
  external_ids: column("external_ids", strings)
}))

const counters: ReadonlySet<string> = new Set(["ovs_rx_qos_drops", "ovs_tx_failure_drops", "ovs_tx_qos_drops"])

const Interface = table("Interface", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  ofport: column("ofport", optional(integer)),
  error: column("error", optional(text)),
  link_state: column("link_state", optional(text)),
  mtu: column("mtu", optional(integer)),
  status: column("status", strings),
  statistics: column("statistics", numbersNamed(counters)),
  external_ids: column("external_ids", strings)
}))

type BridgeRow = RowOf<typeof Bridge>
type PortRow = RowOf<typeof Port>
type InterfaceRow = RowOf<typeof Interface>

interface Rows {
  readonly root: RowOf<typeof Root>
  readonly bridges: ReadonlyArray<BridgeRow>
  readonly ports: ReadonlyArray<PortRow>
  readonly interfaces: ReadonlyArray<InterfaceRow>
  /** As ovs-vswitchd says; undefined: it was not asked. */
  readonly version: string | undefined
  readonly asked: boolean
  readonly polling: ReadonlyMap<string, ReadonlyArray<number>>
}

const vhostTypes = ["dpdkvhostuserclient", "dpdkvhostuser"]

const ovsView = (control: string, rows: Rows, silent: Explained | undefined): OvsView => {
  const { root } = rows
  return {
    engine: "ovs-dpdk",
    control,
    version: rows.version ?? root.ovs_version ?? null,
    dpdkVersion: root.dpdk_version ?? null,
    dpdk: root.dpdk_initialized,
    lacks: vhostTypes.filter((type) => !root.iface_types.includes(type)),
    asked: rows.asked,
    silent,
    bridges: rows.bridges.map((bridge) => bridgeView(bridge, rows)),
    ports: rows.interfaces.flatMap((row) => portView(row, rows))
  }
}

const isOurs = ({ external_ids }: Pick<PortRow, "external_ids">): boolean => Marks.ownerOf(external_ids) !== undefined

const bridgeView = (bridge: BridgeRow, { ports }: Rows): BridgeView => {
  const own = ports.filter(({ _uuid }) => bridge.ports.includes(_uuid))
  const ours = own.filter(isOurs)
  return {
    name: bridge.name,
    // An empty type means the kernel's, as for ovs-vswitchd.
    datapath: bridge.datapath_type === "" ? "system" : bridge.datapath_type,
    secure: bridge.fail_mode === "secure",
    others: own.filter((port) => !isOurs(port) && port.name !== bridge.name).map(({ name }) => name),
    unlearned: ours.filter(({ external_ids }) => Marks.flowOf(external_ids) === undefined).map(({ name }) => name),
    ours: ours.length
  }
}

const portView = (row: InterfaceRow, { bridges, polling, ports }: Rows): ReadonlyArray<PortView> => {
  const owner = Marks.ownerOf(row.external_ids)
  if (owner === undefined) return []
  const port = ports.find(({ interfaces }) => interfaces.includes(row._uuid))
  const bridge = bridges.find(({ ports: own }) => port !== undefined && own.includes(port._uuid))
  const { features, mode, num_of_vrings: vrings, numa, status } = row.status
  const connected = status === "connected"
  const rings = Object.entries(row.status).flatMap(([name, size]) => (/^vring_\d+_size$/.test(name) ? [size] : []))
  return [
    {
      ...owner,
      key: keyOf(owner),
      port: row.name,
      on: bridge === undefined ? null : `bridge ${bridge.name}`,
      connected,
      link: connected ? row.link_state === "up" : null,
      error: row.error ?? (row.ofport !== undefined && row.ofport < 0 ? `ofport ${row.ofport}` : null),
      mtu: row.mtu === undefined || row.mtu === 0 ? null : row.mtu,
      queues: vrings === undefined ? null : `${Math.floor(Number(vrings) / 2)}`,
      rings: rings.length === 0 ? null : rings.join(", "),
      features: features ?? null,
      numa: numa === undefined ? null : Number(numa),
      polledOn: polling.get(row.name) ?? [],
      counted: mode !== "server" || row.statistics["rx_packets"] !== undefined,
      drops: drops(row)
    }
  ]
}

const drops = ({ statistics }: InterfaceRow): PortView["drops"] => {
  const { ovs_rx_qos_drops: received, ovs_tx_failure_drops: failed, ovs_tx_qos_drops: sent } = statistics
  const limited = (received ?? 0) + (sent ?? 0)
  return [
    ...(limited > 0 ? [{ why: "rate limit" as const, packets: limited }] : []),
    ...(failed !== undefined && failed > 0 ? [{ why: "application" as const, packets: failed }] : [])
  ]
}

const thread = /^pmd thread numa_id (-?\d+) core_id (-?\d+):/
const queue = /^\s+port:\s+(\S+)\s+queue-id:/

/**
 * NUMA nodes of the threads of ovs-vswitchd that poll a port, by port, from `ovs-appctl dpif-netdev/pmd-rxq-show`: the
 * database does not have it.
 */
export const polling = (text: string): ReadonlyMap<string, ReadonlyArray<number>> => {
  const found = new Map<string, ReadonlyArray<number>>()
  let numa: number | undefined
  for (const line of text.split("\n")) {
    const [, id] = thread.exec(line) ?? []
    if (id !== undefined) numa = Number(id)
    const [, port] = queue.exec(line) ?? []
    if (port === undefined || numa === undefined || numa < 0) continue
    const known = found.get(port) ?? []
    if (!known.includes(numa)) found.set(port, [...known, numa])
  }
  return found
}

const all = [Root, Bridge, Port, Interface].map((table) => select(table, []))

const operation = "inspect"

export const view = (path: string): View =>
  Effect.gen(function* () {
    const transact = yield* openDatabase(path)
    const results = yield* transact(all)
    const rows = rowsOf(path)
    const [root] = yield* rows(Root, results, 0)
    if (root === undefined) {
      const reason = new Malformed({ detail: "no row in table Open_vSwitch" })
      return yield* new OvsdbError({ peer: path, operation: "select", reason })
    }
    const files = yield* Files
    const dead = yield* Daemon.make(files, yield* Sockets, path).absent
    const control = yield* Effect.orElseSucceed(Daemon.controlIn(files, dirname(path)), () => undefined)
    return ovsView(
      path,
      {
        root,
        bridges: yield* rows(Bridge, results, 1),
        ports: yield* rows(Port, results, 2),
        interfaces: yield* rows(Interface, results, 3),
        asked: dead === undefined && control !== undefined,
        ...(dead === undefined && control !== undefined ? yield* reported(control) : unreported)
      },
      dead === undefined ? undefined : toError(operation, dead)
    )
  }).pipe(Effect.mapError(fromOvsdb(operation)))

/** If it cannot be asked: then neither version nor thread is reported. */
const unreported = { version: undefined, polling: polling("") }

/** What ovs-vswitchd says itself. Its version is in the database only where ovs-ctl has started it. */
const reported = Effect.fnUntraced(
  function* (control: string) {
    const { reply } = yield* JsonRpc.OvsDeadlines
    const rpc = yield* JsonRpc.dial(yield* Sockets, control)
    const call = (command: string) =>
      Effect.map(rpc.call(command, [], reply), (said) => (Predicate.isString(said) ? said : ""))
    const [, version] = /\(Open vSwitch\) (\S+)/.exec(yield* call("version")) ?? []
    return { version, polling: polling(yield* call("dpif-netdev/pmd-rxq-show")) }
  },
  Effect.scoped,
  Effect.orElseSucceed(() => unreported)
)
