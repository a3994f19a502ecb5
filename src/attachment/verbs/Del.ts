/**
 * DEL: removes an attachment completely, whether all of it, half of a killed ADD, or nothing exists. Every step runs
 * even if another fails; failures are reported together, and the record is kept until everything is done, so that the
 * next DEL knows as much. CNI specification 1.1.0, section 2.
 */
import * as Effect from "effect/Effect"
import { CniError, ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import { ContainerConfig } from "../../container-config/ContainerConfig.ts"
import { deviceInfoPath } from "../../container-config/DeviceInfo.ts"
import { type Attachment, handlesOf, longHandle } from "../../identity/Attachment.ts"
import { isFor } from "../../identity/ConfigurationData.ts"
import { Ipam } from "../../ipam/Ipam.ts"
import { step } from "../../program/Step.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { SocketPaths } from "../../shared-dir/SocketPaths.ts"
import { Vswitch } from "../../vswitch/Vswitch.ts"
import { type Call, delegation, hasGivenSocket, socketPathsFor, wantsAddresses } from "../Call.ts"
import type { LegacyLeft } from "../legacy/LegacyAttachments.ts"
import * as LegacyDel from "../legacy/LegacyDel.ts"
import { stillOurs } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"

/** `record`: undefined when it was lost, or the original plugin created the attachment. */
export const del = Effect.fn("DEL")(function* (call: Call, record: Record | undefined) {
  const records = yield* Records
  const { attachment } = call
  const legacy = yield* LegacyDel.begin(call, record)
  const ended = record !== undefined && (yield* Effect.orElseSucceed(records.completed(record), () => false))
  const made = record === undefined ? [] : ended ? stillOurs(record) : record.made
  if (record !== undefined)
    yield* Effect.ignore(step("mark the record", records.unsettle(record)), {
      log: "Warn",
      message: "could not mark the record: DEL has begun"
    })
  const returning = step("return the addresses", returnAddresses(call, ended || record === undefined))
  // VPP rejects an address that a port already has: release it only after the port is removed, if that is possible now.
  const [atOnce, afterwards] = wantsAddresses(call) ? [[], [returning]] : [[returning], []]
  // Only for the last ADD of exactly this attachment, and only for an unreachable switch.
  const undone =
    record === undefined && legacy.isStateless && (yield* Effect.orElseSucceed(records.undone(attachment), () => false))
  let isAsked = true
  const unplugged = Effect.flatMap(unplug(call, record), legacy.removePorts)
  const unplugging = Effect.catchIf(
    unplugged,
    ({ code }) => undone && code === ErrorCodes.TryAgainLater,
    (error) => {
      isAsked = false
      return Effect.logInfo(`${error.failed}; the ADD of this attachment created nothing`)
    }
  )
  const failed = yield* all([
    // IPAM first: its process runs on another processor in parallel.
    ...atOnce,
    step("unplug the port", Effect.andThen(legacy.left, unplugging)),
    step("withdraw the container config", withdraw),
    step("remove the device information", undescribe(call, record, made)),
    step(
      "clear the shared directory",
      record === undefined ? clearWithout(call, legacy.left) : clear(record, made, call)
    )
  ])
  const failures = [...failed, ...(yield* all(afterwards))]
  if (failures.length > 0) {
    if (record !== undefined && ended)
      yield* Effect.ignore(records.defer(record), {
        log: "Warn",
        message: "could not mark the record: the next DEL finishes this one"
      })
    return yield* together(failures)
  }
  yield* alone(legacy.forget)
  // Runtimes repeat a DEL: keep the note as long as it is needed.
  const forgotten = isAsked ? records.remove(attachment) : records.removeUnasked(attachment)
  yield* alone(step("remove the record", forgotten))
})

type Step = Effect.Effect<void, Explained, ContainerConfig | Ipam | Records | SharedDir | Vswitch>

const alone = <R>(self: Effect.Effect<void, Explained, R>) => Effect.mapError(self, (failure) => together([failure]))

/** Runs all steps concurrently and returns the failures. */
const all = (steps: ReadonlyArray<Step>) =>
  Effect.map(
    Effect.partition(steps, (self) => self, { concurrency: "unbounded" }),
    ([, failures]) => failures
  )

/**
 * Returns the handles that an attachment without a record can have: not the plain one when another attachment has it.
 * Evaluated immediately before use, because the other may be in its ADD.
 */
const handlesLeft = Effect.fnUntraced(function* (attachment: Attachment) {
  const records = yield* Records
  const taken = yield* Effect.orElseSucceed(records.hasNamesake(attachment), () => false)
  return taken ? [longHandle(attachment)] : handlesOf(attachment)
})

/**
 * The API server is optional: the annotation is deleted with the pod, readers ignore elements of other sandboxes, and
 * the next ADD of the interface replaces it. So its failures do not fail a DEL, which Multus would not repeat.
 */
const withdraw = Effect.flatMap(ContainerConfig, ({ withdraw }) => withdraw).pipe(
  Effect.catchTag("PodsError", ({ cure, failed }) =>
    Effect.logWarning(`${failed}; the pod's annotations were not changed. ${cure}`)
  )
)

/** Returns the path at which the switch has the socket, or would have it. */
const unplug = Effect.fnUntraced(function* (call: Call, record: Record | undefined) {
  const unrecorded = Effect.map(
    handlesLeft(call.attachment),
    ([handle = longHandle(call.attachment)]) => socketPathsFor(call, handle).switchPath
  )
  const socketPath = record?.place.switchPath ?? (yield* unrecorded)
  const vswitch = yield* Vswitch
  const removed = yield* vswitch.unplug({
    attachment: call.attachment,
    invocation: undefined,
    port: call.configuration.port,
    socketPath,
    unrecorded: record === undefined,
    addresses: record?.addresses
  })
  for (const what of removed) yield* Effect.logInfo(`removed ${what}`)
  return socketPath
})

/** `ended`: false after an ADD that was killed, whose IPAM plugin may still be running. */
const returnAddresses = Effect.fnUntraced(function* (call: Call, ended: boolean) {
  const ipam = yield* Ipam
  const delegate = delegation(call)
  if (delegate === undefined) return
  if (!ended) yield* ipam.ended(delegate)
  yield* ipam.del(delegate)
})

/** A later sandbox of the pod has the same names in the directory of a device: what is its own by now stays. */
const clear = Effect.fnUntraced(function* (
  { device, place }: Record,
  made: ReadonlyArray<string>,
  { attachment }: Call
) {
  const { readConfig, release } = yield* SharedDir
  const text = device === undefined ? undefined : yield* readConfig(place)
  if (text === undefined || isFor(text, attachment)) yield* release(place, made)
})

/** For an attachment whose record was lost, or that the original plugin or its fork created. */
const clearWithout = Effect.fnUntraced(function* (call: Call, looked: LegacyDel.Left) {
  const sharedDir = yield* SharedDir
  const left = yield* looked
  const legacy = left?.isThere === true
  for (const [handle, volume] of yield* placesLeft(call, left)) {
    const place = socketPathsFor(call, handle, volume)
    // Without a record the name does not identify the attachment: two IDs can have the same prefix.
    const text = yield* sharedDir.readConfig(place)
    if (text !== undefined && !isFor(text, call.attachment)) continue
    const socket = text !== undefined || legacy || !hasGivenSocket(call)
    yield* sharedDir.release(place, madeByOriginal(place, legacy), { socket })
  }
})

const placesLeft = Effect.fnUntraced(function* ({ attachment }: Call, left: LegacyLeft | undefined) {
  const { oldVolumes } = yield* ContainerConfig
  const volumes = [undefined, ...(yield* oldVolumes), ...(left?.volumes ?? [])]
  const handles = left?.isAnothers === true ? [longHandle(attachment)] : yield* handlesLeft(attachment)
  return handles.flatMap((handle) => volumes.map((volume) => [handle, volume] as const))
})

const undescribe = Effect.fnUntraced(function* (
  { configuration: { netConf } }: Call,
  record: Record | undefined,
  made: ReadonlyArray<string>
) {
  const { describe } = yield* ContainerConfig
  const path = record === undefined ? deviceInfoPath(netConf) : record.deviceInfo
  if (path !== undefined) yield* describe(path, undefined, made)
})

/** The original plugin created a directory for each container, without a mark. */
const madeByOriginal = (place: SocketPaths, legacy: boolean) => (legacy ? [place.directory] : [])

/** Returns one failure unchanged; merges several into one document. Code 11 takes precedence. */
const together = (failures: ReadonlyArray<Explained>): CniError => {
  const [first] = failures
  if (first !== undefined && failures.length === 1) return CniError.of(first.code, first.failed, first.cure)
  const later = failures.some(({ code }) => code === ErrorCodes.TryAgainLater)
  return CniError.of(
    later ? ErrorCodes.TryAgainLater : ErrorCodes.CleanupIncomplete,
    `${failures.length} steps of DEL failed, the others are complete: ${failures.map(({ failed }) => failed).join("; ")}`,
    [...new Set(failures.map(({ cure }) => cure))].join(" ")
  )
}
