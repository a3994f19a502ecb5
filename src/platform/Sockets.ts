/**
 * Unix stream sockets: the edge below the switches' control connections. Bytes only; `ovs/` and `vpp/` have the
 * protocols. Two layers share one suite: Node's, and bun's own, which starts 3 ms faster.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"

export class SocketError extends Data.TaggedError("SocketError")<{
  readonly path: string
  /** `Closed`: the peer ended the connection. Otherwise the system's code: `ENOENT`, `ECONNREFUSED`, `EACCES`, ... */
  readonly code: string
  readonly operation: "connect" | "read" | "write"
}> {
  override get message(): string {
    return `${this.operation} ${this.path}: ${this.code}`
  }
}

export interface Connection {
  /** Resumes when the bytes are in the kernel. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, SocketError>
  /** Returns the next bytes, at least one. Fails with `Closed` at the end, and from then on. */
  readonly read: Effect.Effect<Uint8Array, SocketError>
}

export class Sockets extends Context.Service<
  Sockets,
  {
    /** Returns a connection, which the scope closes. Waits while the peer's listen queue is full. Has no deadline. */
    readonly connect: (path: string) => Effect.Effect<Connection, SocketError, Scope.Scope>
  }
>()("userspace-cni/Sockets") {}

/** `sun_path` has 108 bytes, one of them for the NUL (unix(7)). Libraries truncate a longer path silently. */
export const maximumPathBytes = 107

export const pathBytes = (path: string): number => Buffer.byteLength(path)

export const checkedPath = (path: string): Effect.Effect<void, SocketError> =>
  pathBytes(path) > maximumPathBytes
    ? Effect.fail(new SocketError({ path, code: "ENAMETOOLONG", operation: "connect" }))
    : path === "" || path.includes("\0")
      ? Effect.fail(new SocketError({ path, code: "EINVAL", operation: "connect" }))
      : Effect.void

/** Codes of a lost connection. Callers know one: `Closed`. */
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

// A peer whose listen queue is full: on a non-blocking socket the kernel returns EAGAIN at once, where a blocking one would
// wait.
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
