/**
 * {@link OvsClient} on a switch in memory: the demonstration and the tests run the real programs on it. A database that
 * executes the same transactions, and beside it what ovs-vswitchd would write into it. One `MemorySwitch` can serve many
 * clients, outlives them, and shows its whole state for comparison.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Flows } from "./Flows.ts"
import { type Database, execute, withRoot } from "./MemoryDatabase.ts"
import { settled, type Vswitchd } from "./MemoryVswitchd.ts"
import type { Row, Value } from "./Notation.ts"
import type { Operation } from "./Operation.ts"
import { OvsClient, over } from "./OvsClient.ts"
import { OvsDeadlines } from "./OvsDeadlines.ts"
import type { Transact } from "./Ovsdb.ts"
import { NoAnswer, OvsdbError, Unreachable } from "./OvsdbError.ts"
import * as Reply from "./Reply.ts"

export interface MemorySwitch {
  readonly peer: string
  /** Change it, then `look`. */
  readonly vswitchd: Vswitchd
  /** How the database can be reached from now on. */
  readonly serve: (how: "well" | "refused" | "silent") => void
  /** ovs-vswitchd looks at the database, as it does after every transaction. */
  readonly look: () => void
  /** ovs-vswitchd has ended and started: flows are forgotten, sockets are new ones. */
  readonly restart: () => void
  /** Somebody has put an empty database in the place of this one. */
  readonly empty: () => void
  /** What ovsdb-server puts into `result`; a `wait` in it really waits. */
  readonly results: (operations: ReadonlyArray<Operation>) => Effect.Effect<ReadonlyArray<unknown>>
  /** As anybody else would change it. */
  readonly transact: Transact
  readonly flows: Flows
  /** `in_port=4 actions=NORMAL` */
  readonly flowsOf: (bridge: string) => ReadonlyArray<string>
  /** Every row as text, without what only tells the time: two equal dumps are two equal switches. */
  readonly dump: () => ReadonlyArray<string>
}

export interface Options {
  readonly peer?: string
  /** Called when a server-mode port, by its name, has got or lost its socket. */
  readonly onSocket?: (port: string, made: boolean) => void
}

export const make = ({ onSocket = () => {}, peer = "/memory/db.sock" }: Options = {}): MemorySwitch => {
  const vswitchd: Vswitchd = { alive: true, dpdk: true, broken: new Set() }
  let how: Parameters<MemorySwitch["serve"]>[0] = "well"
  let database = settled(withRoot(crypto.randomUUID(), {}), vswitchd)
  let sockets: ReadonlySet<string> = new Set()
  const table = new Map<bigint, readonly [bridge: string, flow: string]>()
  let changed = Deferred.makeUnsafe<void>()

  const look = () => {
    database = settled(database, vswitchd)
    if (vswitchd.alive) {
      const now = serverPorts(database)
      for (const port of now) if (!sockets.has(port)) onSocket(port, true)
      for (const port of sockets) if (!now.has(port)) onSocket(port, false)
      sockets = now
    }
    const waited = changed
    // First: who waits goes on at once, within the next line, and may wait again.
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
      // Later, as in truth: who made the change reads the old cur_cfg.
      queueMicrotask(look)
    }
    return done
  }

  const reach = Effect.gen(function* () {
    const { reply } = yield* OvsDeadlines
    if (how === "refused") return yield* Effect.fail(new Unreachable({ code: "ECONNREFUSED" }))
    if (how === "silent") {
      yield* Effect.sleep(reply)
      return yield* Effect.fail(new NoAnswer({ millis: Duration.toMillis(reply) }))
    }
  })

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
      yield* reach
      return yield* Effect.fromResult(Reply.judge(operations, yield* serveOperations(operations)))
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

  return {
    peer,
    vswitchd,
    serve: (next) => {
      how = next
    },
    look,
    restart,
    empty,
    results: serveOperations,
    transact,
    flows: {
      learn: (bridge, ofport, cookie) =>
        openFlow(() => void table.set(cookie, [bridge, `in_port=${ofport} actions=NORMAL`])),
      forget: (_, cookie) => openFlow(() => void table.delete(cookie)),
      learns: (_, cookie) => openFlow(() => table.has(cookie))
    },
    flowsOf: (bridge) => [...table.values()].filter(([on]) => on === bridge).map(([, flow]) => flow),
    dump: () => [...dump(database), ...[...table.values()].map(([bridge]) => `Flow ${bridge}`).sort()]
  }
}

export const layer = (memory: MemorySwitch): Layer.Layer<OvsClient> =>
  Layer.succeed(OvsClient, over(memory.peer, memory.transact, memory.flows))

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
