/**
 * DEL: nothing of the attachment is left, whatever was there before: all of it, the half of an ADD that was killed, or
 * nothing. Every step runs even when another fails; the failures are reported together, and the record stays until all
 * is done, so that the next DEL knows as much. CNI specification 1.1.0, section 2.
 */
import * as Effect from "effect/Effect"
import { CniError, type Explained } from "../cni/CniError.ts"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { Ipam } from "../ipam/Ipam.ts"
import type { Place } from "../shared-dir/Place.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import { longHandle, plainHandle } from "./Attachment.ts"
import { type Call, delegation, hasGivenSocket, placeFor, placeOfRecord } from "./Call.ts"
import { isFor } from "./ContainerData.ts"
import { deviceInfoPath } from "./DeviceInfo.ts"
import { Handover } from "./Handover.ts"
import type { Legacy } from "./Legacy.ts"
import type { Record } from "./Record.ts"
import { Records } from "./Records.ts"
import type { Services } from "./Services.ts"

/** `record` as found; undefined when it was lost, or the original plugin made the attachment. */
export const del = Effect.fn("DEL")(function* (call: Call, record: Record | undefined) {
  const records = yield* Records
  const { attachment } = call
  const legacy = yield* Effect.orElseSucceed(records.findLegacy(attachment), () => undefined)
  const failures = yield* all([
    // IPAM first: its process runs on another processor while this one goes on.
    step("return the addresses", returnAddresses(call)),
    step("unplug the port", unplug(call, record, legacy)),
    step(
      "take back what the container was told",
      Effect.flatMap(Handover, ({ takeBack }) => takeBack)
    ),
    step("remove the device information", undescribe(call, record)),
    step("clear the shared directory", clear(call, record, legacy))
  ])
  if (failures.length > 0) return yield* together(failures)
  yield* last("remove the original's state", records.removeLegacy(attachment))
  yield* last("remove the record", records.remove(attachment))
})

type Step = Effect.Effect<void, Explained, Services>

const step = (name: string, self: Step): Step => Effect.withSpan(self, name)

const last = (name: string, self: Step) => Effect.mapError(step(name, self), (failure) => together([failure]))

/** Runs all steps at the same time; gives the failures. */
const all = (steps: ReadonlyArray<Step>) =>
  Effect.map(
    Effect.partition(steps, (self) => self, { concurrency: "unbounded" }),
    ([, failures]) => failures
  )

const unplug = Effect.fnUntraced(function* (call: Call, record: Record | undefined, legacy: Legacy | undefined) {
  const vswitch = yield* Vswitch
  const removed = yield* vswitch.unplug({
    attachment: call.attachment,
    invocation: undefined,
    port: call.configuration.port,
    socketPath: record?.place.switchPath ?? placeFor(call, plainHandle(call.attachment)).switchPath,
    legacy
  })
  for (const what of removed) yield* Effect.logInfo(`removed ${what}`)
})

const returnAddresses = Effect.fnUntraced(function* (call: Call) {
  const ipam = yield* Ipam
  const delegate = delegation(call)
  if (delegate !== undefined) yield* ipam.del(delegate)
})

const clear = Effect.fnUntraced(function* (call: Call, record: Record | undefined, legacy: Legacy | undefined) {
  const sharedDir = yield* SharedDir
  if (record !== undefined) return yield* sharedDir.release(placeOfRecord(record), record.made)
  for (const [handle, volume] of yield* placesLeft(call)) {
    const place = placeFor(call, handle, volume)
    // Without a record the name alone does not prove whose it is: two ids can begin alike.
    const text = yield* sharedDir.handed(place)
    if (text !== undefined && !isFor(text, call.attachment)) continue
    const socket = text !== undefined || legacy !== undefined || !hasGivenSocket(call)
    yield* sharedDir.release(place, madeByOriginal(place, legacy), { socket })
  }
})

const placesLeft = Effect.fnUntraced(function* ({ attachment }: Call) {
  const { oldVolumes } = yield* Handover
  const volumes = [undefined, ...(yield* oldVolumes)]
  return [plainHandle(attachment), longHandle(attachment)].flatMap((handle) =>
    volumes.map((volume) => [handle, volume] as const)
  )
})

const undescribe = Effect.fnUntraced(function* ({ configuration: { netConf } }: Call, record: Record | undefined) {
  const { describe } = yield* Handover
  const path = record === undefined ? deviceInfoPath(netConf) : record.deviceInfo
  if (path !== undefined) yield* describe(path, undefined, record?.made ?? [])
})

/** The original made a directory for each container and did not mark it. */
const madeByOriginal = (place: Place, legacy: Legacy | undefined) => (legacy === undefined ? [] : [place.directory])

/** One failure is itself; several become one document that tells them all. `Try again later` wins: it is true of all. */
const together = (failures: ReadonlyArray<Explained>): CniError => {
  const [first] = failures
  if (first !== undefined && failures.length === 1) return CniError.of(first.code, first.failed, first.cure)
  const later = failures.some(({ code }) => code === ErrorCodes.TryAgainLater)
  return CniError.of(
    later ? ErrorCodes.TryAgainLater : ErrorCodes.CleanupIncomplete,
    `${failures.length} steps of DEL failed, the others are done: ${failures.map(({ failed }) => failed).join("; ")}`,
    [...new Set(failures.map(({ cure }) => cure))].join(" ")
  )
}
