/**
 * Restores every recorded attachment of this node in sequence; a failure does not stop the others. Retries until the
 * timeout while a switch is starting or an ADD is running. Only one restore runs on a node at a time.
 */
import { groupBy } from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type { HostPort } from "../../cni/network/HostPort.ts"
import { asCniError, CniError, ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf } from "../../identity/Attachment.ts"
import { Slots } from "../../platform/Sockets.ts"
import { Deadlines, step } from "../../program/Step.ts"
import type { EngineLayer } from "../../vswitch/Vswitch.ts"
import type { Call } from "../Call.ts"
import { attachmentOfRecord } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { acquit, isIsolated, suspectOf, suspects } from "../records/Suspects.ts"
import { deleted, elsewhere, inTransit, type Restoration, readable, restore } from "../verbs/Restore.ts"
import { everything, narrows, type Selector, select } from "./Selection.ts"
import { nameOf } from "./Switches.ts"

export interface Restored {
  readonly record: Record
  readonly result: Restoration | { readonly outcome: "failed"; readonly error: CniError }
}

export interface NodeRestored {
  readonly attachments: ReadonlyArray<Restored>
  /** Records that cannot be restored. */
  readonly damaged: ReadonlyArray<Explained>
}

interface Options {
  readonly variables: Variables
  readonly engine: (port: HostPort) => EngineLayer
  /** How long failed attempts are repeated. */
  readonly millis: number
  /** Only these attachments; damaged records are then not reported. */
  readonly selector?: Selector
}

/** The name of a step, by which a dry run attributes a change to an attachment. */
export const stepOf = ({ containerId, ifName, network }: Record): string =>
  `${ifName} of container ${containerId.slice(0, 12)}, network ${network}`

export const restoreNode = Effect.fn("restore")(function* (options: Options) {
  if (!(yield* Effect.orElseSucceed((yield* Slots).hold("userspace-cni/restore"), () => true))) return yield* busy
  const records = yield* Records
  const { selector = everything } = options
  const all = [...(yield* Effect.fromResult(select(yield* records.all, selector)))].sort((one, other) =>
    one.since.localeCompare(other.since)
  )
  const ended = new Map<string, Restored>()
  const known = yield* suspects
  for (const record of all.filter((record) => suspectOf(known, record) !== undefined)) {
    // Who names an attachment has decided that it may have its port again.
    if (narrows(selector)) yield* acquit(keyOf(record))
    else if (isIsolated(known, record)) ended.set(record.handle, { record, result: leftAway })
  }
  const since = yield* Clock.currentTimeMillis
  let waiting: ReadonlyArray<Record> = all.filter(({ handle }) => !ended.has(handle))
  const pass = Effect.gen(function* () {
    for (const one of yield* passOver(waiting, options)) ended.set(one.record.handle, one)
    const now = yield* Clock.currentTimeMillis
    waiting = now - since < options.millis ? yield* worthwhile([...ended.values()], now) : []
  })
  yield* Effect.repeat(pass, { until: () => waiting.length === 0, schedule: Schedule.spaced("250 millis") })
  return {
    attachments: all.flatMap(({ handle }) => ended.get(handle) ?? []),
    damaged: narrows(selector) ? [] : (yield* records.damaged).map(({ error }) => error)
  } satisfies NodeRestored
}, Effect.scoped)

const leftAway: Restoration = {
  outcome: "skipped",
  reason: "it is isolated, because its application has ended the switch; --pod or --container-id restores it"
}

const busy = CniError.of(
  ErrorCodes.TryAgainLater,
  "another restore is running on this node",
  "Wait for it to finish, and read its output."
)

/** Connects to each switch once. A record may have been updated or removed since it was listed. */
const passOver = Effect.fnUntraced(function* (wanted: ReadonlyArray<Record>, { engine, variables }: Options) {
  const records = yield* Records
  const ended: Array<Restored> = []
  const calls: Array<readonly [Record, Call]> = []
  for (const listed of wanted) {
    const record = yield* records.find(attachmentOfRecord(listed))
    if (record === undefined) ended.push({ record: listed, result: deleted })
    else
      Result.match(readable(record, variables), {
        onFailure: (error) => ended.push({ record, result: failed(error) }),
        onSuccess: (call) => calls.push([record, call])
      })
  }
  for (const ofOne of Object.values(groupBy(calls, ([, call]) => nameOf(call.configuration.port)))) {
    const [[, { configuration }]] = ofOne
    ended.push(...(yield* Effect.provide(overSwitch(ofOne), engine(configuration.port))))
  }
  return ended
})

/** An unreachable switch fails all its ports alike. */
const overSwitch = Effect.fnUntraced(function* (calls: ReadonlyArray<readonly [Record, Call]>) {
  const ended: Array<Restored> = []
  let absent: Restored["result"] | undefined
  for (const [record, call] of calls) {
    const result = absent ?? (yield* restoreOne(record, call))
    if (isAbsent(result)) absent = result
    ended.push({ record, result })
  }
  return ended
})

const failed = (error: CniError): Restored["result"] => ({ outcome: "failed", error })

const isAbsent = (result: Restored["result"]): boolean =>
  result.outcome === "failed" && result.error.code === ErrorCodes.TryAgainLater

const restoreOne = (record: Record, call: Call) =>
  Effect.match(step(stepOf(record), restore(call, record)), {
    onSuccess: (result): Restored["result"] => result,
    onFailure: (error) => failed(asCniError(error))
  })

/** Returns those for which another attempt may succeed. */
const worthwhile = Effect.fnUntraced(function* (ended: ReadonlyArray<Restored>, now: number) {
  const { total } = yield* Deadlines
  return ended.flatMap(({ record, result }) => {
    const age = now - Date.parse(record.since)
    const running = result === elsewhere || (result === inTransit && age >= 0 && age < total * 1_000)
    return running || isAbsent(result) ? [record] : []
  })
})
