/**
 * Calls over one connection to ovsdb-server. Calls are concurrent and matched to replies by id; `echo` is answered.
 * When the connection ends, all pending and later calls fail with its reason. RFC 7047, section 4.
 */

import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Connection, SocketError } from "../../platform/Sockets.ts"
import { within } from "../../platform/Within.ts"
import { ConnectionLost, Malformed, NoAnswer, type Reason } from "./OvsdbError.ts"
import * as Reply from "./Reply.ts"
import * as Splitter from "./Splitter.ts"

export interface JsonRpc {
  /** Returns the `result` of the reply. */
  readonly call: (
    method: string,
    params: ReadonlyArray<unknown>,
    deadline: Duration.Duration
  ) => Effect.Effect<unknown, Reason>
  /** The reason why the connection ended; undefined while it is open. */
  readonly ended: () => Reason | undefined
  /** Resumes with that reason. */
  readonly end: Effect.Effect<Reason>
}

/** Receives notifications, such as updates of a monitor. */
export type Hears = (method: string, params: unknown) => void

/** In bytes. A reply to `list` with a thousand ports has about a megabyte. */
export const messageLimit = 16 * 1024 * 1024

export const make = Effect.fnUntraced(function* (
  connection: Connection,
  limit: number = messageLimit,
  hears: Hears = () => {}
): Effect.fn.Return<JsonRpc, never, Scope.Scope> {
  const waiting = new Map<number, Deferred.Deferred<unknown, Reason>>()
  let last = 0
  const ending = Deferred.makeUnsafe<Reason>()
  let end: Reason | undefined

  const send = (message: unknown) => connection.write(Buffer.from(JSON.stringify(message)))

  const receive = Effect.fnUntraced(function* (text: string) {
    const message = yield* Effect.fromResult(Reply.decode(text))
    if (message.method === "echo") {
      return yield* send({ id: message.id, result: message.params, error: null })
    }
    if (message.method !== undefined) return hears(message.method, message.params)
    // A reply without a waiting call is late.
    const waiter = Predicate.isNumber(message.id) ? waiting.get(message.id) : undefined
    if (waiter !== undefined) {
      Deferred.doneUnsafe(waiter, Effect.fromResult(Reply.answer(message)))
    }
  })

  const step = Effect.fnUntraced(function* (splitter: Splitter.Splitter) {
    const split = Splitter.push(splitter, yield* connection.read)
    if (Result.isFailure(split)) return yield* new Malformed({ detail: Splitter.inWords(split.failure) })
    yield* Effect.forEach(split.success.texts, receive, { discard: true })
    return split.success.splitter
  })

  const finish = (reason: Reason) => {
    end = reason
    Deferred.doneUnsafe(ending, Effect.succeed(reason))
    for (const waiter of waiting.values()) Deferred.doneUnsafe(waiter, Effect.fail(reason))
  }

  let splitter = Splitter.empty(limit)
  yield* Effect.suspend(() => step(splitter)).pipe(
    Effect.tap((next) =>
      Effect.sync(() => {
        splitter = next
      })
    ),
    Effect.forever,
    Effect.catch((cause: SocketError | Malformed) => Effect.sync(() => finish(lost(cause)))),
    // The scope was closed, or the code has a defect.
    Effect.onError(() => Effect.sync(() => finish(new ConnectionLost({ code: "Closed" })))),
    Effect.forkScoped
  )

  const call = Effect.fnUntraced(function* (
    method: string,
    params: ReadonlyArray<unknown>,
    deadline: Duration.Duration
  ) {
    if (end !== undefined) return yield* Effect.fail(end)
    const id = last++
    const waiter = Deferred.makeUnsafe<unknown, Reason>()
    waiting.set(id, waiter)
    return yield* send({ id, method, params }).pipe(
      Effect.mapError(lost),
      Effect.andThen(Deferred.await(waiter)),
      within({
        duration: deadline,
        orElse: () => Effect.fail(new NoAnswer({ millis: Duration.toMillis(deadline) }))
      }),
      Effect.ensuring(Effect.sync(() => waiting.delete(id)))
    )
  })

  return { call, ended: () => end, end: Deferred.await(ending) }
})

const lost = (cause: SocketError | Malformed): Reason =>
  cause._tag === "SocketError" ? new ConnectionLost({ code: cause.code }) : cause
