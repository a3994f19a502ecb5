/**
 * Unix stream sockets: the edge below the switches' control connections. Bytes only; `ovs/` and `vpp/` have the
 * protocols. Two layers share one suite: Node's, and bun's own, which starts 3 ms faster. And named locks: abstract
 * unix sockets that one process of the machine can hold at a time, and that the kernel releases when it ends (unix(7)).
 * Names are per network namespace; the plugin runs in the node's.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
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

export class SlotError extends Data.TaggedError("SlotError")<{
  readonly name: string
  /** The system's error code. */
  readonly code: string
}> {
  override get message(): string {
    return `hold ${this.name}: ${this.code}`
  }
}

export class Slots extends Context.Service<
  Slots,
  {
    /** Takes the name until the scope closes and returns true, if nobody has it. Does not wait. */
    readonly hold: (name: string) => Effect.Effect<boolean, SlotError, Scope.Scope>
    /** Resumes when the holder releases the name or dies, and at once when there is none. Has no deadline. */
    readonly freed: (name: string) => Effect.Effect<void>
  }
>()("userspace-cni/Slots") {}

/** Between two turns, the event loop polls the system for events. */
export const turn: Effect.Effect<void> = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/**
 * Works like `Effect.timeoutOrElse`, for external events. On a busy node a process can be without CPU for seconds: its
 * timer has then expired although the answer has arrived. So at the deadline, pending events are processed first.
 */
export const within =
  <B, E2, R2>({
    duration,
    orElse
  }: {
    readonly duration: Duration.Input
    readonly orElse: () => Effect.Effect<B, E2, R2>
  }) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | B, E | E2, R | R2> => {
    const late = Effect.andThen(Effect.sleep(duration), Effect.andThen(turn, turn))
    const both = Effect.raceFirst(
      Effect.map(self, (a): Effect.Effect<A | B, E2, R2> => Effect.succeed(a)),
      Effect.as(late, Effect.suspend(orElse))
    )
    return Effect.flatten(both)
  }
