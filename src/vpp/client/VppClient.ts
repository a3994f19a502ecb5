/**
 * Sessions on VPP's binary API: each piece of work waits for a connection slot, opens a session, and closes it with its
 * scope. It knows nothing of ports; `VppVswitch.ts` does. The same layer serves VPP and the tests' VPP, which has the
 * same wire protocol.
 */

import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type FileError, type FileStatus, Files } from "../../platform/Files.ts"
import { type SlotError, Slots } from "../../platform/Slots.ts"
import { type SocketError, Sockets } from "../../platform/Sockets.ts"
import { within } from "../../platform/Within.ts"
import { spanned } from "../../program/Trace.ts"
import { NoAnswer, NoTurn, type Reason, Unreachable, VppError } from "../wire/VppError.ts"
import * as Turn from "./ConnectionLimit.ts"
import * as Session from "./Session.ts"
import { VppDeadlines, type VppWaits } from "./VppDeadlines.ts"

export class VppClient extends Context.Service<
  VppClient,
  {
    /** Path of VPP's API socket. */
    readonly peer: string
    /**
     * Waits for a connection slot, connects and receives VPP's reply to the hello. The end of the scope disconnects and
     * releases the slot.
     */
    readonly open: Effect.Effect<Session.Session, VppError, Scope.Scope>
    /**
     * Per-attachment lock: waits until no other process of the plugin works on the attachment with this key on this
     * VPP, and holds the lock until the scope closes. Taken after `open`. VPP reuses an index at once: without the
     * lock, a change could hit an interface that was created in the meantime.
     */
    readonly alone: (key: string) => Effect.Effect<void, VppError, Scope.Scope>
  }
>()("userspace-cni/VppClient") {
  static readonly make = (path: string) => make(path)

  static readonly layer = (path: string) => Layer.effect(VppClient, make(path))
}

const make = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const slots = yield* Slots
  const sockets = yield* Sockets

  const session = Effect.fnUntraced(function* (waits: VppWaits) {
    const connection = yield* spanned(sockets.connect(path), "Sockets.connect")
    return yield* Session.open(path, connection, waits)
  })

  const turn = Effect.fnUntraced(function* ({ turn: millis }: VppWaits, what: string, count?: number) {
    const { dev, ino } = yield* socketAt(files, path)
    // The name is derived from the socket's inode, not from its path, because containers see it under other paths.
    yield* Turn.take(slots, `userspace-cni/vpp/${dev}:${ino}${what}`, count).pipe(
      within({ duration: millis, orElse: () => Effect.fail(new NoTurn({ millis })) })
    )
  })

  const open = Effect.gen(function* () {
    const waits = yield* VppDeadlines
    yield* turn(waits, "")
    return yield* session(waits).pipe(
      within({ duration: waits.answer, orElse: () => Effect.fail(new NoAnswer({ millis: waits.answer })) })
    )
  })
  const alone = (key: string) => Effect.flatMap(VppDeadlines, (waits) => turn(waits, `/${key}`, 1))

  const told = Effect.mapError(
    (cause: FileError | SlotError | SocketError | Reason) => new VppError({ peer: path, reason: toReason(cause) })
  )
  return VppClient.of({ peer: path, open: spanned(told(open), "VppClient.open"), alone: (key) => told(alone(key)) })
})

/** The last component may be a link. */
export const socketAt = Effect.fnUntraced(function* (files: Files["Service"], path: string) {
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
