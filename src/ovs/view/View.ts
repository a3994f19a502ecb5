/** Open vSwitch for `userspace doctor`: four tables in one transaction, and ovs-vswitchd's own reports. */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { Files } from "../../platform/Files.ts"
import { Sockets } from "../../platform/Sockets.ts"
import type { View } from "../../vswitch/View.ts"
import * as Daemon from "../client/Daemon.ts"
import * as Ovsdb from "../client/Ovsdb.ts"
import { fromOvsdb, toError } from "../client/PortError.ts"
import { select } from "../client/Transactions.ts"
import * as JsonRpc from "../wire/JsonRpc.ts"
import { Malformed, OvsdbError } from "../wire/OvsdbError.ts"
import { Bridge, Interface, Port, polling, Root, seen } from "./Seen.ts"

const all = [Root, Bridge, Port, Interface].map((table) => select(table, []))

const operation = "inspect"

export const view = (path: string): View =>
  Effect.gen(function* () {
    const transact = yield* Ovsdb.make(path)
    const results = yield* transact(all)
    const rows = Ovsdb.rowsOf(path)
    const [root] = yield* rows(Root, results, 0)
    if (root === undefined) {
      const reason = new Malformed({ detail: "no row in table Open_vSwitch" })
      return yield* new OvsdbError({ peer: path, operation: "select", reason })
    }
    const dead = yield* Daemon.make(yield* Files, yield* Sockets, path).absent
    return seen(
      path,
      {
        root,
        bridges: yield* rows(Bridge, results, 1),
        ports: yield* rows(Port, results, 2),
        interfaces: yield* rows(Interface, results, 3),
        ...(dead === undefined ? yield* told(path) : untold)
      },
      dead === undefined ? undefined : toError(operation, dead)
    )
  }).pipe(Effect.mapError(fromOvsdb(operation)))

/** If it cannot be asked: then neither version nor thread is reported. */
const untold = { version: undefined, polling: polling("") }

/** What ovs-vswitchd says itself. Its version is in the database only where ovs-ctl has started it. */
const told = Effect.fnUntraced(
  function* (path: string) {
    const control = yield* Daemon.controlIn(yield* Files, dirname(path))
    if (control === undefined) return untold
    const { reply } = yield* JsonRpc.OvsDeadlines
    const rpc = yield* JsonRpc.dial(yield* Sockets, control)
    const call = (command: string) =>
      Effect.map(rpc.call(command, [], reply), (said) => (Predicate.isString(said) ? said : ""))
    const [, version] = /\(Open vSwitch\) (\S+)/.exec(yield* call("version")) ?? []
    return { version, polling: polling(yield* call("dpif-netdev/pmd-rxq-show")) }
  },
  Effect.scoped,
  Effect.orElseSucceed(() => untold)
)
