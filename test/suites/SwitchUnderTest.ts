/**
 * An Open vSwitch from outside: what an administrator, a crash or a restart does to it. The suites run on every layer
 * of this, so that the switch in memory is held to the behaviour of the real one.
 */
import { randomBytes, randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { assert } from "@effect/vitest"
import { Context, Duration, Effect, type Layer, Result, Schema, type Scope } from "effect"
import type { OvsVhostPort } from "../../src/cni/network/HostPort.ts"
import type { Deadlines, Transact } from "../../src/ovs/client/JsonRpc.ts"
import type { OvsClient } from "../../src/ovs/client/OvsClient.ts"
import * as OvsdbMessages from "../../src/ovs/client/OvsdbMessages.ts"
import {
  type Condition,
  type Mutation,
  type Operation,
  type Row,
  reference,
  uuid
} from "../../src/ovs/client/OvsdbMessages.ts"
import { Bridge, Interface, Port, Root, select } from "../../src/ovs/client/Transactions.ts"
import type { PortRequest, Vswitch } from "../../src/vswitch/Vswitch.ts"
import { until } from "../support/Until.ts"
import { ovsPort } from "../vswitch/support/MinimalPorts.ts"

export class SwitchUnderTest extends Context.Service<
  SwitchUnderTest,
  {
    /** A separate connection each time it is provided. */
    readonly client: Layer.Layer<OvsClient>
    readonly vswitch: Layer.Layer<Vswitch>
    /** A change of the database by another client; does not wait for ovs-vswitchd. */
    readonly transact: Transact
    /** The directory of ovs-vswitchd's sockets. */
    readonly ovsSocketDir: string
    readonly killVswitchd: Effect.Effect<void>
    readonly startVswitchd: Effect.Effect<void>
    readonly stopDatabase: Effect.Effect<void>
    readonly startDatabase: Effect.Effect<void>
    /** In its scope ovs-vswitchd cannot create this bridge. */
    readonly breakBridge: (name: string) => Effect.Effect<void, never, Scope.Scope>
    /** `in_port` and action of each flow of a bridge except its own. */
    readonly flows: (bridge: string) => Effect.Effect<ReadonlyArray<string>>
  }
>()("userspace-cni/test/SwitchUnderTest") {}

/** Short, so that a test of a deadline does not take long. */
export const quick: Deadlines = {
  connect: Duration.seconds(2),
  reply: Duration.seconds(2),
  apply: Duration.seconds(3),
  withdraw: Duration.seconds(3)
}

/** All configured rows as text, without columns that only have the time or the load. */
export const look = Effect.gen(function* () {
  const { transact } = yield* SwitchUnderTest
  const tables = [Root, Bridge, Port, Interface]
  const results = yield* transact(tables.map((table) => select(table, [])))
  const rows = yield* Effect.forEach(tables, (_, index) =>
    Effect.fromResult(OvsdbMessages.rows(columns, results, index))
  )
  const names = new Map(rows.flat().map((row) => [JSON.stringify(row["_uuid"]), row["name"] ?? "root"]))
  const shown = (row: typeof Columns.Type) =>
    Object.entries(row)
      .filter(([column]) => !volatile.has(column))
      .sort()
      .map(
        ([column, value]) => `${column}=${JSON.stringify(value, (_, part) => names.get(JSON.stringify(part)) ?? part)}`
      )
  return tables.flatMap(({ name }, index) => (rows[index] ?? []).map((row) => `${name} ${shown(row).join(" ")}`)).sort()
})

/** The rows, when there is a port of this name. */
export const committed = (name: string) =>
  until(`port ${name}`, look, (lines) => lines.some((line) => line.startsWith("Port ") && line.includes(name)), {
    every: "1 millis"
  })

const Columns = Schema.Record(Schema.String, Schema.Json)
const columns = (row: unknown) => Result.mapError(Schema.decodeUnknownResult(Columns)(row), String)
const volatile = new Set(["_uuid", "cur_cfg", "next_cfg", "datapath_id", "ofport", "status", "mtu", "link_state"])

/** The state of the switch is the same after `self` as before. */
export const leavesAsFound = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* look
    const result = yield* self
    assert.deepStrictEqual(yield* look, before)
    return result
  })

/** A directory for sockets of applications. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/vhost-`)),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

let bridges = 0
/** One that no other test uses. */
export const newBridge = () => `br-test${++bridges}`

/** A request of an attachment of this test only, as ADD makes it. */
export const request = Effect.fnUntraced(function* (port: Partial<OvsVhostPort> = {}) {
  const { ovsSocketDir } = yield* SwitchUnderTest
  const containerId = randomBytes(32).toString("hex")
  return {
    attachment: { network: "net", containerId, ifName: "net1", netns: "/proc/1/ns/net", pod: undefined },
    invocation: randomUUID(),
    socketPath: `${yield* directory}/${containerId.slice(0, 12)}-net1`,
    mac: "02:00:00:00:00:01",
    addresses: [],
    port: { ...ovsPort, control: "", netType: "bridge", mode: "client", bridge: newBridge(), ...port, ovsSocketDir }
  } satisfies PortRequest
})

/** Changes by an administrator with ovs-vsctl. */
export const administrator = Effect.map(SwitchUnderTest, ({ transact }) => {
  const mutate = (
    table: string,
    where: ReadonlyArray<Condition>,
    ...mutations: ReadonlyArray<Mutation>
  ): Operation => ({
    op: "mutate",
    table,
    where,
    mutations
  })
  const change = (...operations: ReadonlyArray<Operation>) =>
    transact([...operations, mutate("Open_vSwitch", [], ["next_cfg", "+=", 1])])
  const bridge = (name: string, row: Row = { datapath_type: "netdev" }) =>
    change(
      { op: "insert", table: "Interface", "uuid-name": "i", row: { name, type: "internal" } },
      { op: "insert", table: "Port", "uuid-name": "p", row: { name, interfaces: ["named-uuid", "i"] } },
      { op: "insert", table: "Bridge", "uuid-name": "b", row: { name, ports: ["named-uuid", "p"], ...row } },
      mutate("Open_vSwitch", [], ["bridges", "insert", ["set", [["named-uuid", "b"]]]])
    )
  const port = (on: string, name: string, row: Row, portRow: Row = {}) =>
    change(
      { op: "insert", table: "Interface", "uuid-name": "i", row: { name, ...row } },
      { op: "insert", table: "Port", "uuid-name": "p", row: { name, interfaces: ["named-uuid", "i"], ...portRow } },
      mutate("Bridge", [["name", "==", on]], ["ports", "insert", ["set", [["named-uuid", "p"]]]])
    )
  const idOf = Effect.fnUntraced(function* (table: typeof Port | typeof Bridge, name: string) {
    const results = yield* transact([select(table, [["name", "==", name]])])
    const [row] = yield* Effect.fromResult(OvsdbMessages.rows(columns, results, 0))
    return uuid(yield* Effect.fromOption(reference.read(row?.["_uuid"])))
  })
  const removePort = Effect.fnUntraced(function* (name: string) {
    const id = yield* idOf(Port, name)
    yield* change(mutate("Bridge", [["ports", "includes", id]], ["ports", "delete", ["set", [id]]]))
  })
  const removeBridge = Effect.fnUntraced(function* (name: string) {
    const id = yield* idOf(Bridge, name)
    yield* change(mutate("Open_vSwitch", [], ["bridges", "delete", ["set", [id]]]))
  })
  const move = Effect.fnUntraced(function* (name: string, to: string) {
    const id = yield* idOf(Port, name)
    yield* change(
      mutate("Bridge", [["ports", "includes", id]], ["ports", "delete", ["set", [id]]]),
      mutate("Bridge", [["name", "==", to]], ["ports", "insert", ["set", [id]]])
    )
  })
  const set = (table: "Port" | "Interface" | "Bridge", name: string, ...mutations: ReadonlyArray<Mutation>) =>
    change(mutate(table, [["name", "==", name]], ...mutations))
  return { bridge, port, removePort, removeBridge, move, set, change }
})
