/**
 * Sessions on VPP's binary API: each piece of work waits for a connection slot, opens a session, and closes it with its
 * scope. It knows nothing of ports; `VppVswitch.ts` does. The same layer serves VPP and the tests' VPP, which has the
 * same wire protocol.
 */

import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { type FileError, type FileStatus, Files } from "../../platform/Files.ts"
import { type SlotError, Slots, type SocketError, Sockets, within } from "../../platform/Sockets.ts"
import { spanned } from "../../program/Trace.ts"
import * as Session from "./Session.ts"
import { NoAnswer, NoTurn, type Reason, Unreachable, VppError } from "./VppError.ts"

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

  const session = Effect.fnUntraced(function* (waits: Session.VppWaits) {
    const connection = yield* spanned(sockets.connect(path), "Sockets.connect")
    return yield* Session.open(path, connection, waits)
  })

  const turn = Effect.fnUntraced(function* ({ turn: millis }: Session.VppWaits, what: string, count?: number) {
    const { dev, ino } = yield* socketAt(files, path)
    // The name is derived from the socket's inode, not from its path, because containers see it under other paths.
    yield* take(slots, `userspace-cni/vpp/${dev}:${ino}${what}`, count).pipe(
      within({ duration: millis, orElse: () => Effect.fail(new NoTurn({ millis })) })
    )
  })

  const open = Effect.gen(function* () {
    const waits = yield* Session.VppDeadlines
    yield* turn(waits, "")
    return yield* session(waits).pipe(
      within({ duration: waits.answer, orElse: () => Effect.fail(new NoAnswer({ millis: waits.answer })) })
    )
  })
  const alone = (key: string) => Effect.flatMap(Session.VppDeadlines, (waits) => turn(waits, `/${key}`, 1))

  const told = Effect.mapError(
    (cause: FileError | SlotError | SocketError | Reason) => new VppError({ peer: path, reason: toReason(cause) })
  )
  return VppClient.of({ peer: path, open: spanned(told(open), "VppClient.open"), alone: (key) => told(alone(key)) })
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

const toReason = (cause: FileError | SlotError | SocketError | Reason): Reason =>
  cause._tag === "FileError" || cause._tag === "SlotError" || cause._tag === "SocketError"
    ? new Unreachable({ code: cause.code })
    : cause

/** Half the number that hangs VPP; dying and new connections overlap for a moment. */
const turns = 8

/** How long one slot is waited for before all are tried again, first and at most, in milliseconds. */
const firstWait = 50
const longestWait = 1_000

/**
 * Waits for a free slot, and holds it until the scope closes. At most `turns` processes of the plugin are connected at
 * the same time, without a lock file: 16 connections that drop at once, for example when all plugins of a node are
 * killed, hang VPP 25.06 to 26.06. Has no deadline. A process that watches VPP can hold a slot for hours while others
 * come free, so the wait for one slot is bounded.
 */
export const take = Effect.fnUntraced(function* (
  slots: Slots["Service"],
  name: string,
  count: number = turns
): Effect.fn.Return<void, SlotError, Scope.Scope> {
  for (let wait = firstWait; ; wait = Math.min(2 * wait, longestWait)) {
    const first = yield* Random.nextIntBetween(0, count, { halfOpen: true })
    for (let n = 0; n < count; n++) {
      if (yield* slots.hold(`${name}/${(first + n) % count}`)) return
    }
    yield* Effect.timeoutOption(slots.freed(`${name}/${first}`), wait)
  }
})

export const untilConfigured = 2_500

/**
 * VPP reads the commands of `unix { exec FILE }` two seconds after its start (src/vlib/unix/main.c,
 * startup_config_process), and serves its API before. A bridge domain from that file must exist before a port joins it;
 * otherwise the port creates it, and the file fails at that line.
 *
 * Waits until the VPP with this API socket has read them; its age is that of its socket. Returns whether it had to
 * wait. A socket that is not visible, or has a time in the future, gives no information.
 */
export const configured = Effect.fnUntraced(function* (files: Files["Service"], path: string) {
  const there = yield* Effect.orElseSucceed(socketAt(files, path), () => undefined)
  const age = (yield* Clock.currentTimeMillis) - (there?.modified ?? 0)
  if (age < 0 || age >= untilConfigured) return false
  yield* Effect.sleep(untilConfigured - age)
  return true
})
