/**
 * Determines why a connection was refused. bun reports ECONNREFUSED for every error: no listener, a full listen queue,
 * a socket of another type. `/proc/net/unix` does not help: it has the name with which the socket was bound, perhaps
 * behind other links or mounts, and only the sockets of one network namespace.
 */
import * as Effect from "effect/Effect"

/** Callers must not consider the peer dead on this code: a socket file without a listener is removed. */
const unknown = "UNKNOWN"

/** `path`: a file, or an abstract name after a NUL. */
export const whyRefused = (path: string): Effect.Effect<string> =>
  Effect.tryPromise(() => import("./libc/BunLibc.ts")).pipe(
    Effect.map(({ connectOnce }) => connectOnce(path) ?? unknown),
    Effect.orElseSucceed(() => unknown)
  )
