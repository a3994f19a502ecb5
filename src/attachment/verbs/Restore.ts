/**
 * Recreates the port of one attachment from its record after the switch has lost it, so that a running container
 * reconnects. Only for complete attachments, because a running ADD or DEL owns the port. Calls no IPAM plugin and no
 * API server, and creates no directory: a running container would not see it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { inWords } from "../../cni/network/SchemaMismatch.ts"
import { CniError, ErrorCodes } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf } from "../../identity/Attachment.ts"
import { Namespaces } from "../../platform/Namespaces.ts"
import { Slots } from "../../platform/Sockets.ts"
import { SharedDir, type Socket } from "../../shared-dir/SharedDir.ts"
import { Vswitch } from "../../vswitch/Vswitch.ts"
import { type Call, requestFor, unplugFor, wantsAddresses } from "../Call.ts"
import { callOfRecord, isNewer, stillOurs } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { recordFormat } from "../records/RecordFormat.ts"
import { Records } from "../records/Records.ts"
import { madeBySwitch } from "./Add.ts"

/** The outcome for an attachment. `made` in words: `interface memif7/0`, `socket /run/...`. */
export type Restoration =
  | { readonly outcome: "restored"; readonly port: string; readonly made: ReadonlyArray<string> }
  | { readonly outcome: "there"; readonly port: string }
  | { readonly outcome: "skipped"; readonly reason: string }

const skipped = (reason: string): Extract<Restoration, { readonly outcome: "skipped" }> => ({
  outcome: "skipped",
  reason
})

export const inTransit = skipped("its ADD is still running, or its DEL has started")
/** By another process, or another fiber of this one. */
export const elsewhere = skipped("another restore is working on it")
export const deleted = skipped("it was deleted in the meantime")

/** Converts the record to a call. Fails when this release might create another port than the one that wrote it. */
export const readable = (record: Record, variables: Variables): Result.Result<Call, CniError> =>
  isNewer(record)
    ? Result.fail(
        CniError.of(
          ErrorCodes.IncompatibleVersion,
          `the record has format ${record.format}, written by a later release; this release knows ${recordFormat}`,
          "Run `userspace restore` of the release that wrote it."
        )
      )
    : Result.mapError(callOfRecord(record, variables), inWords)

export const restore = Effect.fnUntraced(function* (call: Call, record: Record) {
  return (yield* alone(record)) ? yield* restoreAlone(call, record) : elsewhere
}, Effect.scoped)

/**
 * Works like `restore`, and also reverts changes that somebody made to the port. If the switch cannot change a setting,
 * the port is recreated and the container reconnects.
 */
export const repair = Effect.fnUntraced(function* (call: Call, record: Record) {
  if (!(yield* alone(record))) return elsewhere
  const gone = yield* sandboxGone(record)
  if (gone !== undefined) return skipped(gone)
  return yield* Effect.catchIf(
    restoreAlone(call, record),
    ({ code }) => code === ErrorCodes.SwitchRefused,
    () => Effect.andThen(unplugOwn(call, record), restoreAlone(call, record))
  )
}, Effect.scoped)

/** Two restores would work with the same mark, and a failing one would remove the other's port. */
const alone = (record: Record) =>
  Effect.flatMap(Slots, ({ hold }) => Effect.orElseSucceed(hold(slotOf(record)), () => true))

/** The lock is held while the port is recreated. */
const slotOf = (record: Record): string => `userspace-cni/restore/${keyOf(record)}`

const restoreAlone = Effect.fnUntraced(function* (call: Call, record: Record) {
  const records = yield* Records
  if (!(yield* records.settled(record))) return inTransit
  const gone = yield* sandboxGone(record)
  if (gone !== undefined) return skipped(gone)
  if (wantsAddresses(call) && record.addresses === undefined) {
    return yield* lost("the record has no addresses for the switch's end: an earlier release wrote it")
  }
  const looked = yield* Effect.result(lookAtDirectory(call, record))
  // A concurrent DEL removes the directory, and has marked the record before.
  if (Result.isFailure(looked))
    return yield* (yield* records.settled(record)) ? looked.failure : Effect.succeed(deleted)

  const during: During = { deleted: false }
  const made = yield* remake(call, record, during).pipe(
    // In any case: a DEL that started before may already have done its part.
    Effect.onExit(() => unlessSettled(call, record, during)),
    Effect.catchIf(
      () => during.deleted,
      () => Effect.succeed(deleted)
    )
  )
  return during.deleted ? deleted : made
})

interface During {
  /** What was published. */
  socket?: Socket | undefined
  /** A DEL has begun. */
  deleted: boolean
}

const remake = Effect.fnUntraced(function* (call: Call, record: Record, during: During) {
  const sharedDir = yield* SharedDir
  const vswitch = yield* Vswitch
  const { place } = record
  const { made, port, socketAt } = yield* vswitch.restore(requestFor(call, record))
  during.socket = socketAt === undefined ? undefined : yield* sharedDir.republish(place, socketAt)
  const opened = madeBySwitch(call) && (yield* sharedDir.open(place))
  const all = [...made, ...(during.socket !== undefined || opened ? [`socket ${place.socketPath}`] : [])]
  const done: Restoration = all.length === 0 ? { outcome: "there", port } : { outcome: "restored", port, made: all }
  return done
})

/**
 * A DEL marks the record before it searches for the port. So either the mark is seen here, and the port is removed
 * again, or the DEL has not searched yet.
 */
const unlessSettled = Effect.fnUntraced(function* (call: Call, record: Record, during: During) {
  if (yield* (yield* Records).settled(record)) return
  yield* unplugOwn(call, record)
  yield* (yield* SharedDir).withdraw(record.place, stillOurs(record), during.socket)
  during.deleted = true
})

/** Removes the port of the record's ADD, or of a restore. */
const unplugOwn = (call: Call, record: Record) =>
  Effect.flatMap(Vswitch, ({ unplug }) => unplug(unplugFor(call, record)))

/** After a reboot the old containers are gone, and their records wait for DEL or GC. */
const sandboxGone = Effect.fnUntraced(function* ({ netns }: Record) {
  const kind = yield* (yield* Namespaces).judge(netns)
  if (kind === "unreadable") {
    return yield* CniError.of(
      ErrorCodes.IoFailure,
      `the sandbox ${netns} cannot be accessed: permission denied`,
      "Run it as root."
    )
  }
  return kind === "missing" || kind === "out of sight" || kind === "other file"
    ? `its sandbox ${netns} is gone`
    : undefined
})

const lookAtDirectory = Effect.fnUntraced(function* ({ configuration: { port } }: Call, record: Record) {
  if (port.iftype === "memif" && port.abstract) return
  const found = yield* (yield* SharedDir).verify(record.place, { socket: false })
  if (found.length > 0) return yield* lost(found.map(({ what }) => what).join("; "))
})

const lost = (what: string) => CniError.of(ErrorCodes.CheckFailed, what, "Delete the pod so that it is recreated.")
