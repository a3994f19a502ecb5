/**
 * A peer whose listen queue is full. On a non-blocking socket the kernel returns EAGAIN at once, where a blocking one
 * would wait.
 */
import * as Effect from "effect/Effect"
import type { SocketError } from "../Sockets.ts"

const firstPause = 20
/** In milliseconds. Hundreds may wait, and each attempt takes time from the peer. */
const longestPause = 200

/** Connects again until the queue has room. */
export const whileFull = <A, R>(
  connect: Effect.Effect<A, SocketError, R>,
  pause = firstPause
): Effect.Effect<A, SocketError, R> =>
  Effect.catchIf(
    connect,
    ({ code }) => code === "EAGAIN",
    () => Effect.delay(whileFull(connect, Math.min(pause * 1.5, longestPause)), pause)
  )
