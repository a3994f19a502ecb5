/**
 * What a refused connection means. bun says ECONNREFUSED for whatever the kernel said: nobody listens, more wait than
 * the peer's queue takes, the socket is of another type. `/proc/net/unix` would not tell: it has the name that the
 * socket was bound with, behind other links or mounts than ours perhaps, and the sockets of one network namespace only.
 */
import * as Effect from "effect/Effect"

/** Nobody may take what has this code for dead: a file on which nobody listens is removed. */
const unknown = "UNKNOWN"

/** Of a path, or of an abstract name after a NUL. */
export const whyRefused = (path: string): Effect.Effect<string> =>
  Effect.tryPromise(() => import("./BunLibc.ts")).pipe(
    Effect.map(({ connectOnce }) => connectOnce(path) ?? unknown),
    Effect.orElseSucceed(() => unknown)
  )
