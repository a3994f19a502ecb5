/** A peer whose listen queue is full: the kernel says EAGAIN at once, where it would wait for a socket that blocks. */
import * as Effect from "effect/Effect"
import type { SocketError } from "../Sockets.ts"

const firstPause = 20
/** Hundreds may wait, and each that asks takes time from the peer. */
const longestPause = 200

/** Connects again until there is room. */
export const whileFull = <A, R>(
  connect: Effect.Effect<A, SocketError, R>,
  pause = firstPause
): Effect.Effect<A, SocketError, R> =>
  Effect.catchIf(
    connect,
    ({ code }) => code === "EAGAIN",
    () => Effect.delay(whileFull(connect, Math.min(pause * 1.5, longestPause)), pause)
  )
