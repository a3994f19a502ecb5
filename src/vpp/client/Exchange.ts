/**
 * Messages in both directions over one connection, each with a header of 16 bytes: 8 bytes internal to VPP, the length
 * of the message, 4 more internal bytes (VPP: src/vlibmemory/socket_api.h, msgbuf_t). Replies are matched by context;
 * other messages (events, late replies) are dropped. When the connection ends, all pending and later calls fail with
 * its reason. Only the first message has a special form here.
 */

import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { Connection, SocketError } from "../../platform/Sockets.ts"
import { append } from "../../platform/text/Pieces.ts"
import { sockclntCreateReplyId } from "../messages/Control.ts"
import { contextOf, idOf } from "../messages/Message.ts"
import { ConnectionLost, Malformed, type Reason } from "./VppError.ts"

const headerSize = 16
const lengthAt = 8

/** The message table of a VPP with every plugin has half a megabyte; no other reply is longer. */
export const messageLimit = 4 * 1024 * 1024

export const frame = (message: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(headerSize + message.length)
  bytes.writeUInt32BE(message.length, lengthAt)
  bytes.set(message, headerSize)
  return bytes
}

/** The peer announced an impossible length. The rest of this connection cannot be parsed. */
interface BadFrame {
  readonly announced: number
  readonly limit: number
}

export const splitter = (limit: number = messageLimit) => {
  /** Large pieces are joined only when a message is complete, so that a long message is copied once. */
  let chunks: ReadonlyArray<Uint8Array> = []
  let size = 0
  /** Length of the awaited frame; of the header alone until that is complete. */
  let wanted = headerSize

  /** Takes the next bytes and returns the messages that are complete. It cannot be used after a failure. */
  const push = (chunk: Uint8Array): Result.Result<ReadonlyArray<Buffer>, BadFrame> => {
    chunks = append(chunks, chunk)
    size += chunk.length
    if (size < wanted) return Result.succeed([])

    const bytes = Buffer.concat(chunks)
    const messages: Array<Buffer> = []
    let at = 0
    wanted = headerSize
    while (bytes.length - at >= wanted) {
      const announced = bytes.readUInt32BE(at + lengthAt)
      // The shortest message is its number.
      if (announced < 2 || announced > limit) return Result.fail({ announced, limit })
      wanted = headerSize + announced
      if (bytes.length - at < wanted) break
      messages.push(bytes.subarray(at + headerSize, at + wanted))
      at += wanted
      wanted = headerSize
    }
    chunks = [bytes.subarray(at)]
    size = bytes.length - at
    return Result.succeed(messages)
  }
  return { push }
}

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
