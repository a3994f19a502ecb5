/**
 * An Open vSwitch in memory: the tests and `make demo` run the real programs on it, over connections to its sockets. It
 * has a database that executes the same transactions, and what ovs-vswitchd would write into it. One `MemorySwitch` can
 * serve many clients, outlives them, and shows its whole state for comparison.
 */
import { basename, dirname } from "node:path"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { Flows } from "../../../src/ovs/client/Flows.ts"
import type { Transact } from "../../../src/ovs/client/JsonRpc.ts"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import { OvsdbError, Unreachable } from "../../../src/ovs/client/OvsdbError.ts"
import type { Operation, Row, Value } from "../../../src/ovs/client/OvsdbMessages.ts"
import * as OvsdbMessages from "../../../src/ovs/client/OvsdbMessages.ts"
import { type Connection, SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import { type Database, execute, withRoot } from "../model/Database.ts"
import { atoms } from "../model/Values.ts"
import { applied } from "../model/Vswitchd.ts"
import { monitor } from "./MemoryMonitor.ts"
import * as Wire from "./MemoryWire.ts"

interface Vswitchd {
  /** False: everything stays as it is, with its last reports. */
  alive: boolean
  dpdk: boolean
  /** Path of its control socket; undefined: it has none. */
  control: string | undefined
  /** Names of bridges that it cannot create, which it reports only in its log. */
  readonly broken: Set<string>
}

/** With the devices of the kernel, and without the bridges that it cannot create. */
const looked = (before: Database, { alive, broken, dpdk }: Vswitchd, devices: ReadonlySet<string>): Database => {
  if (!alive) return before
  const after = applied(before, dpdk)
  const rows = (database: Database, table: string) => [...(database.get(table) ?? [])]
  const refers = (table: string, id: string, column: string) =>
    atoms(before.get(table)?.get(id)?.[column] ?? 0).flatMap((atom) => (typeof atom === "object" ? [atom[1]] : []))
  const bridges = rows(before, "Bridge").flatMap(([id, { name }]) => (broken.has(String(name)) ? [id] : []))
  const ports = bridges.flatMap((id) => refers("Bridge", id, "ports"))
  const left = new Set([...bridges, ...ports.flatMap((id) => refers("Port", id, "interfaces"))])
  let last = Math.max(
    0,
    ...rows(after, "Interface").map(([, { ofport }]) => (typeof ofport === "number" && ofport !== 65534 ? ofport : 0))
  )
  const realized = (table: string, [id, row]: readonly [string, Row]): readonly [string, Row] => {
    const was = before.get(table)?.get(id) ?? row
    if (left.has(id)) return [id, was]
    const isNew = row["ofport"] === -1 && was["ofport"] !== -1 && devices.has(String(row["name"]))
    return [id, isNew ? { ...was, ofport: ++last, mtu: 1500 } : row]
  }
  const of = (table: string) => new Map(rows(after, table).map((one) => realized(table, one)))
  return new Map(after).set("Bridge", of("Bridge")).set("Interface", of("Interface"))
}

/** What a switch keeps for longer than a transaction. */
interface State {
  readonly database: Database
  readonly sockets: ReadonlySet<string>
  readonly flows: ReadonlyMap<bigint, Flow>
}

type Flow = readonly [bridge: string, flow: string]

export interface MemorySwitch {
  readonly peer: string
  /** Whether this is, or could be, one of its sockets: the database's, or a bridge's. */
  readonly owns: (path: string) => boolean
  readonly connect: (path: string) => Effect.Effect<Connection, SocketError, Scope.Scope>
  /** Change it, then call `look`. */
  readonly vswitchd: Vswitchd
  /** Of the kernel, as ovs-vswitchd sees them. */
  readonly devices: Set<string>
  /** How connections to the database behave from now on. */
  readonly serve: (how: "well" | "refused" | "silent") => void
  /** ovs-vswitchd applies the database, as it does after every transaction. */
  readonly look: () => void
  /** ovs-vswitchd has restarted: flows are lost, sockets are new ones. */
  readonly restart: () => void
  /** Somebody has replaced the database by an empty one. */
  readonly empty: () => void
  /** ovsdb-server's `result`; a `wait` in it really waits. */
  readonly results: (operations: ReadonlyArray<Operation>) => Effect.Effect<ReadonlyArray<unknown>>
  /** A change by another client. */
  readonly transact: Transact
  readonly flows: Flows
  /** `in_port=4 actions=NORMAL` */
  readonly flowsOf: (bridge: string) => ReadonlyArray<string>
  /** Every row as text, without columns that only have the time: equal dumps are equal switches. */
  readonly dump: () => ReadonlyArray<string>
  readonly state: () => State
  /** Becomes one in this state, whose sockets exist. */
  readonly become: (state: State) => void
}

export interface Options {
  readonly peer?: string
  /** Called when a server-mode port's socket is created or removed, with the port's name. */
  readonly onSocket?: (port: string, made: boolean) => void
  /** Called with each request on the wire, when it is answered; `done`: it was not refused. */
  readonly onTransaction?: (operations: ReadonlyArray<Operation>, done: boolean) => void
}

export const make = ({
  onSocket = () => {},
  onTransaction = () => {},
  peer = "/memory/db.sock"
}: Options = {}): MemorySwitch => {
  const devices = new Set<string>()
  const vswitchd: Vswitchd = { alive: true, dpdk: true, control: undefined, broken: new Set() }
  let how: Parameters<MemorySwitch["serve"]>[0] = "well"
  let database = applied(withRoot(crypto.randomUUID(), {}))
  let sockets: ReadonlySet<string> = new Set()
  const table = new Map<bigint, Flow>()
  let changed = Deferred.makeUnsafe<void>()
  const open: Wire.HangUps = new Set()

  /** Receivers of changes: a closed one receives nothing. */
  const telling: Array<() => void> = []
  const monitors: Wire.Monitors = (id, wanted, says) => {
    const { initial, update } = monitor(wanted, () => database)
    telling.push(() => {
      const changes = update()
      if (changes !== undefined) says({ method: "update2", params: [id, changes] })
    })
    return initial
  }

  const look = () => {
    database = looked(database, vswitchd, devices)
    for (const tell of telling) tell()
    if (vswitchd.alive) {
      const now = serverPorts(database)
      for (const port of now) if (!sockets.has(port)) onSocket(port, true)
      for (const port of sockets) if (!now.has(port)) onSocket(port, false)
      sockets = now
    }
    const waited = changed
    // First: waiters continue at once, within the next line, and may wait again.
    changed = Deferred.makeUnsafe<void>()
    Deferred.doneUnsafe(waited, Effect.void)
  }

  const restart = () => {
    vswitchd.alive = true
    table.clear()
    for (const port of sockets) onSocket(port, false)
    sockets = new Set()
    look()
  }

  const empty = () => {
    database = withRoot(crypto.randomUUID(), {})
    table.clear()
    look()
  }

  const perform = (operations: ReadonlyArray<Operation>) => {
    const done = execute(database, operations, () => crypto.randomUUID())
    if (done.database !== database) {
      database = done.database
      // Later, as in reality: the author of the change reads the old cur_cfg.
      queueMicrotask(look)
    }
    return done
  }

  const serveOperations = Effect.fnUntraced(function* (operations: ReadonlyArray<Operation>) {
    const started = yield* Clock.currentTimeMillis
    while (true) {
      const nextChange = changed
      const { results, waits = 0 } = perform(operations)
      const left = started + waits - (yield* Clock.currentTimeMillis)
      if (left <= 0) return results
      yield* Effect.timeoutOption(Deferred.await(nextChange), Duration.millis(left))
    }
  })

  const transact: Transact = Effect.fn("MemorySwitch.transact")(
    function* (operations) {
      return yield* Effect.fromResult(OvsdbMessages.judge(operations, yield* serveOperations(operations)))
    },
    Effect.mapError((reason) => new OvsdbError({ peer, operation: "transact", reason }))
  )

  const openFlow = <A>(f: () => A) =>
    Effect.suspend(() =>
      vswitchd.alive
        ? Effect.sync(f)
        : Effect.fail(
            new OvsdbError({ peer, operation: "OpenFlow", reason: new Unreachable({ code: "ECONNREFUSED" }) })
          )
    )

  const onWire: Wire.Results = (operations) =>
    Effect.tap(serveOperations(operations), (results) =>
      Effect.sync(() => onTransaction(operations, !results.some((one) => Predicate.hasProperty(one, "error"))))
    )

  const flows: Flows = {
    learn: (bridge, ofport, cookie) =>
      openFlow(() => void table.set(cookie, [bridge, `in_port=${ofport} actions=NORMAL`])),
    forget: (_, cookie) => openFlow(() => void table.delete(cookie)),
    learns: (_, cookie) => openFlow(() => table.has(cookie))
  }

  const bridgeAt = (path: string) => basename(path, ".mgmt")
  const isBridge = (name: string) => [...(database.get("Bridge")?.values() ?? [])].some((row) => row["name"] === name)

  const connect = (path: string) =>
    Effect.suspend(() => {
      const refused = (code: string) => Effect.fail(new SocketError({ path, code, operation: "connect" }))
      if (path === peer) {
        if (how === "refused") return refused("ECONNREFUSED")
        return Wire.dial(
          path,
          Wire.database(onWire, () => how === "silent", monitors),
          open
        )
      }
      if (path === vswitchd.control) {
        return vswitchd.alive ? Wire.dial(path, Wire.control(), new Set()) : refused("ECONNREFUSED")
      }
      if (!isBridge(bridgeAt(path))) return refused("ENOENT")
      return vswitchd.alive
        ? Wire.dial(path, Wire.management(bridgeAt(path), flows), new Set())
        : refused("ECONNREFUSED")
    })

  return {
    peer,
    owns: (path) => path === peer || (path.endsWith(".mgmt") && dirname(path) === dirname(peer)),
    connect,
    vswitchd,
    devices,
    serve: (next) => {
      how = next
      if (how === "refused") for (const hangUp of open) hangUp()
    },
    look,
    restart,
    empty,
    results: serveOperations,
    transact,
    flows,
    flowsOf: (bridge) => [...table.values()].filter(([on]) => on === bridge).map(([, flow]) => flow),
    dump: () => [...dump(database), ...[...table.values()].map(([bridge]) => `Flow ${bridge}`).sort()],
    state: () => ({ database, sockets, flows: new Map(table) }),
    become: (state) => {
      database = state.database
      sockets = state.sockets
      table.clear()
      for (const [cookie, flow] of state.flows) table.set(cookie, flow)
    }
  }
}

/** A client without other sockets. */
export const layer = ({ connect, peer }: MemorySwitch): Layer.Layer<OvsClient> =>
  Layer.provide(OvsClient.layer(peer), Layer.succeed(Sockets, Sockets.of({ connect })))

const serverPorts = (database: Database): ReadonlySet<string> =>
  new Set(
    [...(database.get("Interface") ?? new Map<string, Row>()).values()]
      .filter(({ ofport, type }) => type === "dpdkvhostuser" && typeof ofport === "number" && ofport > 0)
      .map(({ name }) => String(name))
  )

const volatile = new Set(["cur_cfg", "next_cfg", "datapath_id", "ofport"])

const dump = (database: Database): ReadonlyArray<string> => {
  const names = new Map([...database.values()].flatMap((rows) => [...rows].map(([id, { name }]) => [id, name])))
  const shown = (value: Value): unknown =>
    JSON.parse(JSON.stringify(value), (_, part: unknown) => {
      if (!Array.isArray(part)) return part
      const [kind, inside] = part
      // A set has no order, and UUIDs would give it another one every time.
      if (kind === "set" && Array.isArray(inside)) return [kind, inside.map((one) => JSON.stringify(one)).sort()]
      return kind === "uuid" ? (names.get(String(inside)) ?? part) : part
    })
  return [...database]
    .flatMap(([table, rows]) =>
      [...rows.values()].map((row) => {
        const columns = Object.entries(row).filter(([column]) => !volatile.has(column))
        return `${table} ${JSON.stringify(Object.fromEntries(columns.map(([column, value]) => [column, shown(value)])))}`
      })
    )
    .sort()
}
