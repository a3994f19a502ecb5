/** What both layers of `Sockets` say about a path and about an error of the system. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { SocketError } from "./Sockets.ts"

/** `sun_path` has 108 bytes, one of them for the NUL (unix(7)). Beyond that, libraries cut the path silently. */
export const maximumPathBytes = 107

export const pathBytes = (path: string): number => Buffer.byteLength(path)

export const checkedPath = (path: string): Effect.Effect<void, SocketError> =>
  pathBytes(path) > maximumPathBytes
    ? Effect.fail(new SocketError({ path, code: "ENAMETOOLONG", operation: "connect" }))
    : path === "" || path.includes("\0")
      ? Effect.fail(new SocketError({ path, code: "EINVAL", operation: "connect" }))
      : Effect.void

/** The connection is gone: every system has its own words for it, our callers know one. */
const goneCodes = new Set([
  "EPIPE",
  "ECONNRESET",
  "ECANCELED",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
  "ERR_SOCKET_CLOSED"
])

export const codeOf = (cause: unknown): string => {
  const code = Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : "UNKNOWN"
  return goneCodes.has(code) ? "Closed" : code
}
