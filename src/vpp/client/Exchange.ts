/**
 * Messages in both directions over one connection. Replies are matched by context; other messages (events, late
 * replies) are dropped. When the connection ends, all pending and later calls fail with its reason. Only the first
 * message has a special form here.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { Connection, SocketError } from "../../platform/Sockets.ts"
import { sockclntCreateReplyId } from "../messages/Control.ts"
import { frame, messageLimit, splitter } from "../wire/Frames.ts"
import { contextOf, idOf } from "../wire/Message.ts"
import { ConnectionLost, Malformed, type Reason } from "../wire/VppError.ts"

/** Receives each message with its context. Undefined: more messages follow, or this one was unrelated. */
export type Take<R> = (id: number, bytes: Buffer) => Exit.Exit<R, Reason> | undefined

/** VPP's reply to the hello has its context in another place, so it is awaited under this one. */
export const helloContext = 0

interface Waiter {
  readonly deliver: (id: number, bytes: Buffer) => void
  readonly fail: (reason: Reason) => void
}

export const make = Effect.fnUntraced(function* (connection: Connection, limit: number = messageLimit) {
  const waiting = new Map<number, Waiter>()
  const frames = splitter(limit)
  const headedAsRequest = new Set<number>()
  let ended: Reason | undefined
  let context = helloContext

  const receive = Effect.fnUntraced(function* () {
    const split = frames.push(yield* connection.read)
    if (Result.isFailure(split)) {
      const { announced } = split.failure
      return yield* new Malformed({ detail: `a message of ${announced} bytes is announced; the limit is ${limit}` })
    }
    for (const bytes of split.success) {
      const id = idOf(bytes) ?? 0
      const of = id === sockclntCreateReplyId ? helloContext : contextOf(bytes, headedAsRequest.has(id))
      if (of !== undefined) waiting.get(of)?.deliver(id, bytes)
    }
  })

  const finish = (reason: Reason) =>
    Effect.sync(() => {
      ended ??= reason
      for (const waiter of waiting.values()) waiter.fail(reason)
    })

  yield* Effect.suspend(receive).pipe(
    Effect.forever,
    Effect.catch((cause: SocketError | Malformed) => finish(lost(cause))),
    // The scope was closed, or the code has a defect.
    Effect.onError(() => finish(new ConnectionLost({ code: "Closed" }))),
    Effect.forkScoped
  )

  return {
    /** Returns a context that no other request of this connection has. */
    nextContext: () => ++context,
    /** Registers a waiter from now on, until the reply arrives or `forget` is called. */
    expect: <R>(of: number, take: Take<R>) => {
      const answer = Deferred.makeUnsafe<R, Reason>()
      const end = (exit: Exit.Exit<R, Reason>) => Deferred.doneUnsafe(answer, exit)
      if (ended !== undefined) end(Exit.fail(ended))
      waiting.set(of, {
        deliver: (id, bytes) => {
          const taken = take(id, bytes)
          if (taken !== undefined) end(taken)
        },
        fail: (reason) => end(Exit.fail(reason))
      })
      return answer
    },
    forget: (of: number) => waiting.delete(of),
    /** Numbers of the replies that are headed as a request. */
    headedAsRequest,
    /** Why the connection ended; undefined while it is open. */
    ended: () => ended,
    /** Sends all messages in one write. */
    send: (messages: ReadonlyArray<Uint8Array>) =>
      Effect.mapError(connection.write(Buffer.concat(messages.map(frame))), lost)
  }
})

export type Exchange = Effect.Success<ReturnType<typeof make>>

const lost = (cause: SocketError | Malformed): Reason =>
  cause._tag === "SocketError" ? new ConnectionLost({ code: cause.code }) : cause
