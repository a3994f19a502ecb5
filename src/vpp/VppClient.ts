/**
 * VPP's binary API, by session: one is opened for each piece of work, in its turn, and ends with its scope. Knows
 * nothing of ports; `VppVswitch.ts` does. The same layer serves VPP and the VPP of the tests, which speaks the same wire.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type FileError, type FileStatus, Files } from "../platform/Files.ts"
import { type SlotError, Slots } from "../platform/Slots.ts"
import { type SocketError, Sockets } from "../platform/Sockets.ts"
import * as Session from "./Session.ts"
import * as Turn from "./Turn.ts"
import { VppDeadlines } from "./VppDeadlines.ts"
import { NoAnswer, NoTurn, type Reason, Unreachable, VppError } from "./VppError.ts"

export class VppClient extends Context.Service<
  VppClient,
  {
    /** Path of VPP's API socket. */
    readonly peer: string
    /** Our turn, a connection, VPP's hello. The end of the scope says goodbye and passes the turn on. */
    readonly open: Effect.Effect<Session.Session, VppError, Scope.Scope>
  }
>()("userspace-cni/VppClient") {
  static readonly layer = (path: string) => Layer.effect(VppClient, make(path))
}

const make = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const slots = yield* Slots
  const sockets = yield* Sockets

  const steps = Effect.fnUntraced(function* (enter: (step: "turn" | "connection") => void) {
    const waits = yield* VppDeadlines
    const { dev, ino } = yield* socketAt(files, path)
    enter("turn")
    // By what the socket is, not by what it is called: containers see it under other paths.
    yield* Turn.take(slots, `userspace-cni/vpp/${dev}:${ino}`)
    enter("connection")
    const connection = yield* connect(sockets, path)
    return yield* Session.open(path, connection, waits)
  })

  const open = Effect.gen(function* () {
    const { open: millis } = yield* VppDeadlines
    let waitingFor: "turn" | "connection" = "turn"
    return yield* steps((step) => {
      waitingFor = step
    }).pipe(
      Effect.timeoutOrElse({
        duration: millis,
        orElse: () => Effect.fail(waitingFor === "turn" ? new NoTurn({ millis }) : new NoAnswer({ millis }))
      }),
      Effect.mapError((cause) => new VppError({ peer: path, reason: toReason(cause) }))
    )
  }).pipe(Effect.withSpan("VppClient.open"))

  return VppClient.of({ peer: path, open })
})

/** The last component may be a link. */
const socketAt = Effect.fnUntraced(function* (files: Files["Service"], path: string) {
  const status = yield* files.lstat(path)
  const target: FileStatus | undefined =
    status?.kind === "symlink" ? yield* files.lstat(yield* absolute(files, path)) : status
  if (target === undefined) return yield* new Unreachable({ code: "ENOENT" })
  if (target.kind !== "socket") return yield* new Unreachable({ code: "ENOTSOCK" })
  return target
})

const absolute = (files: Files["Service"], path: string) =>
  Effect.map(files.readLink(path), (target) =>
    target.startsWith("/") ? target : `${path.slice(0, path.lastIndexOf("/") + 1)}${target}`
  )

/** EAGAIN: VPP has more callers waiting than its listen queue of five holds. */
const connect = (sockets: Sockets["Service"], path: string) =>
  Effect.retry(sockets.connect(path), {
    while: ({ code }) => code === "EAGAIN",
    schedule: Schedule.spaced("20 millis")
  })

const toReason = (cause: FileError | SlotError | SocketError | Reason): Reason => {
  switch (cause._tag) {
    case "FileError":
    case "SlotError":
    case "SocketError":
      return new Unreachable({ code: cause.code })
    default:
      return cause
  }
}
