/**
 * One database behind a unix socket. Connects on first use, and again after a lost connection. Never repeats a call,
 * because the caller decides whether that is safe.
 */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { Sockets } from "../../platform/Sockets.ts"
import { spanned } from "../../program/Trace.ts"
import * as JsonRpc from "../wire/JsonRpc.ts"
import type { Operation } from "../wire/Notation.ts"
import { OvsdbError, type Reason } from "../wire/OvsdbError.ts"
import * as Reply from "../wire/Reply.ts"
import type { Table } from "./Tables.ts"

/** Applies all of the operations or none. Waits among them extend the deadline. */
export type Transact = (operations: ReadonlyArray<Operation>) => Effect.Effect<Reply.TransactResult, OvsdbError>

interface Dialled {
  readonly rpc: JsonRpc.JsonRpc
  readonly scope: Scope.Closeable
  /** Number of calls that wait for a reply. */
  users: number
}

/** Returns the rows that the operation at `index` selected, decoded by their table. */
export const rowsOf =
  (peer: string) =>
  <Row>({ read }: Pick<Table<Row>, "read">, results: Reply.TransactResult, index: number) =>
    Effect.mapError(
      Effect.fromResult(Reply.rows(read, results, index)),
      (reason) => new OvsdbError({ peer, operation: "select", reason })
    )

export const make = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Transact, never, Sockets | Scope.Scope> {
  const sockets = yield* Sockets
  const scope = yield* Effect.scope
  const mutex = yield* Semaphore.make(1)
  let current: Dialled | undefined

  /** The last waiting call closes a connection that is no longer used. */
  const leave = (dialled: Dialled) =>
    Effect.suspend(() => {
      dialled.users--
      return dialled === current || dialled.users > 0 ? Effect.void : Scope.close(dialled.scope, Exit.void)
    })

  const connected = Effect.gen(function* () {
    if (current !== undefined && current.rpc.ended() === undefined) return current
    if (current !== undefined && current.users === 0) yield* Scope.close(current.scope, Exit.void)
    current = undefined
    const own = yield* Scope.fork(scope)
    const rpc = yield* spanned(JsonRpc.dial(sockets, path), "Sockets.connect").pipe(
      Scope.provide(own),
      Effect.onError(() => Scope.close(own, Exit.void))
    )
    current = { rpc, scope: own, users: 0 }
    return current
  }).pipe(mutex.withPermit, Effect.mapError(failed("connect")))

  const transact: Transact = Effect.fnUntraced(function* (operations) {
    const { reply } = yield* JsonRpc.OvsDeadlines
    const dialled = yield* connected
    const deadline = Duration.sum(reply, waits(operations))
    let waited = false
    const call = Effect.suspend(() => {
      waited = true
      dialled.users++
      return dialled.rpc.call("transact", ["Open_vSwitch", ...operations], deadline)
    })
    return yield* call.pipe(
      // Pending replies may never arrive: the next call, possibly a rollback, reconnects.
      Effect.tapError(({ _tag }) =>
        Effect.sync(() => {
          if (_tag === "NoAnswer" && current === dialled) current = undefined
        })
      ),
      Effect.ensuring(Effect.suspend(() => (waited ? leave(dialled) : Effect.void))),
      Effect.flatMap((result) => Effect.fromResult(Reply.judge(operations, result))),
      Effect.mapError(failed("transact"))
    )
  })
  return (operations) => spanned(transact(operations), "Ovsdb.transact")

  function failed(operation: string) {
    return (reason: Reason) => new OvsdbError({ peer: path, operation, reason })
  }
})

const waits = (operations: ReadonlyArray<Operation>): Duration.Duration =>
  Duration.millis(operations.reduce((sum, operation) => sum + (operation.op === "wait" ? operation.timeout : 0), 0))
