/** Open vSwitch for `userspace doctor`: four tables in one transaction, and ovs-vswitchd's own reports. */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { Files } from "../../platform/Files.ts"
import { Sockets } from "../../platform/Sockets.ts"
import type { View } from "../../vswitch/View.ts"
import * as Daemon from "../client/Daemon.ts"
import { OvsDeadlines } from "../client/OvsDeadlines.ts"
import * as Ovsdb from "../client/Ovsdb.ts"
import { fromOvsdb, toError } from "../client/PortError.ts"
import type { Table } from "../client/Tables.ts"
import * as JsonRpc from "../wire/JsonRpc.ts"
import { Malformed, OvsdbError } from "../wire/OvsdbError.ts"
import * as Reply from "../wire/Reply.ts"
import { polling } from "./Polling.ts"
import { Bridge, Interface, Port, Root } from "./Rows.ts"
import { seen } from "./Seen.ts"

const all = [Root, Bridge, Port, Interface].map(({ columns, name }) => ({
  op: "select" as const,
  table: name,
  where: [],
  columns
}))

const operation = "inspect"

export const view = (path: string): View =>
  Effect.gen(function* () {
    const failed = (reason: OvsdbError["reason"]) =>
      fromOvsdb(operation)(new OvsdbError({ peer: path, operation: "select", reason }))
    const transact = yield* Ovsdb.make(path)
    const results = yield* Effect.mapError(transact(all), fromOvsdb(operation))
    const rows = <Row>(of: Table<Row>, index: number) =>
      Effect.mapError(Effect.fromResult(Reply.rows(of.read, results, index)), failed)
    const [root] = yield* rows(Root, 0)
    if (root === undefined) return yield* failed(new Malformed({ detail: "no row in table Open_vSwitch" }))
    const dead = yield* Daemon.make(yield* Files, yield* Sockets, path).absent
    return seen(
      path,
      {
        root,
        bridges: yield* rows(Bridge, 1),
        ports: yield* rows(Port, 2),
        interfaces: yield* rows(Interface, 3),
        ...(dead === undefined ? yield* told(path) : untold)
      },
      dead === undefined ? undefined : toError(operation, dead)
    )
  })

/** If it cannot be asked: then neither version nor thread is reported. */
const untold = { version: undefined, polling: polling("") }

/** What ovs-vswitchd says itself. Its version is in the database only where ovs-ctl has started it. */
const told = Effect.fnUntraced(
  function* (path: string) {
    const control = yield* Daemon.controlIn(yield* Files, dirname(path))
    if (control === undefined) return untold
    const deadlines = yield* OvsDeadlines
    const connection = yield* Effect.timeout((yield* Sockets).connect(control), deadlines.connect)
    const rpc = yield* JsonRpc.make(connection)
    const call = (command: string) =>
      Effect.map(rpc.call(command, [], deadlines.reply), (said) => (Predicate.isString(said) ? said : ""))
    const [, version] = /\(Open vSwitch\) (\S+)/.exec(yield* call("version")) ?? []
    return { version, polling: polling(yield* call("dpif-netdev/pmd-rxq-show")) }
  },
  Effect.scoped,
  Effect.orElseSucceed(() => untold)
)
