/**
 * A round of healing that a person asks for (`userspace restore`): the selected attachments, in sequence and without waiting
 * times; what is well stays as it is. A failure does not stop the others. Repeated until the timeout while a switch is
 * starting or an ADD is running. Only one runs on a node at a time.
 */
import { groupBy, type NonEmptyReadonlyArray } from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type { HostPort } from "../../cni/network/HostPort.ts"
import { asCniError, CniError, ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf, shortDigest } from "../../identity/Attachment.ts"
import { Slots } from "../../platform/Sockets.ts"
import { Deadlines, step } from "../../program/Step.ts"
import type { EngineLayer } from "../../vswitch/Vswitch.ts"
import { everything, narrows, type Selector, select } from "../node/Selection.ts"
import { make, nameOf } from "../node/Switches.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { acquit, isIsolated, suspectOf, suspects } from "../records/Suspects.ts"
import { elsewhere, inTransit, type Restoration, readable } from "../verbs/Restore.ts"
import { remake } from "./Act.ts"

export interface Restored {
  readonly record: Record
  readonly result: Restoration | { readonly outcome: "failed"; readonly error: CniError }
}

export interface RestoredNode {
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

export const restoreRound = Effect.fn("restore")(function* (options: Options) {
  const records = yield* Records
  const { hold } = yield* Slots
  if (!(yield* Effect.orElseSucceed(hold(lockOf(records)), () => true))) return yield* busy
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
  const again = Effect.gen(function* () {
    for (const one of yield* pass(waiting, options)) ended.set(one.record.handle, one)
    const now = yield* Clock.currentTimeMillis
    waiting = now - since < options.millis ? yield* worthwhile([...ended.values()], now) : []
  })
  yield* Effect.repeat(again, { until: () => waiting.length === 0, schedule: Schedule.spaced("250 millis") })
  return {
    attachments: all.flatMap(({ handle }) => ended.get(handle) ?? []),
    damaged: narrows(selector) ? [] : (yield* records.damaged).map(({ error }) => error)
  } satisfies RestoredNode
}, Effect.scoped)

const leftAway: Restoration = {
  outcome: "skipped",
  reason: "it is isolated, because its application has ended the switch; --pod or --container-id restores it"
}

/** Restores of other records, in another state directory, need not wait. */
const lockOf = ({ stateDir }: Pick<Records["Service"], "stateDir">) =>
  `userspace-cni/restore/in/${shortDigest(stateDir)}`

const busy = CniError.of(
  ErrorCodes.TryAgainLater,
  "another restore is running on this node",
  "Wait for it to finish, and read its output."
)

const pass = Effect.fnUntraced(function* (waiting: ReadonlyArray<Record>, options: Options) {
  const [usable, unusable] = yield* Effect.partition(waiting, (record) =>
    Result.match(readable(record, options.variables), {
      onFailure: (error) => Effect.fail<Restored>({ record, result: failed(error) }),
      onSuccess: ({ configuration: { port } }) => Effect.succeed([port, record] as const)
    })
  )
  const ofSwitches = Object.values(groupBy(usable, ([port]) => nameOf(port)))
  const ended = yield* Effect.forEach(ofSwitches, (ofOne) => onSwitch(ofOne, options))
  return [...unusable, ...ended.flat()]
})

/** Connects to the switch once. While it is unreachable, all its ports fail alike. */
const onSwitch = Effect.fnUntraced(function* (
  all: NonEmptyReadonlyArray<readonly [HostPort, Record]>,
  { engine, variables }: Options
) {
  const [[port]] = all
  const switches = yield* make(() => engine(port))
  let absent: Restored["result"] | undefined
  return yield* Effect.forEach(all, ([, record]) =>
    Effect.gen(function* () {
      const again = step(stepOf(record), remake("restore", record, port, { switches, variables }))
      const result = absent ?? (yield* Effect.catch(again, fails))
      if (isAbsent(result)) absent = result
      return { record, result } satisfies Restored
    })
  )
}, Effect.scoped)

const failed = (error: CniError): Restored["result"] => ({ outcome: "failed", error })

const fails = (error: CniError | Explained) => Effect.succeed(failed(asCniError(error)))

const isAbsent = (result: Restored["result"]): boolean =>
  result.outcome === "failed" && result.error.code === ErrorCodes.TryAgainLater

/** Returns those for which another attempt may succeed. */
const worthwhile = Effect.fnUntraced(function* (ended: ReadonlyArray<Restored>, now: number) {
  const { total } = yield* Deadlines
  return ended.flatMap(({ record, result }) => {
    const age = now - Date.parse(record.since)
    const running = result === elsewhere || (result === inTransit && age >= 0 && age < total * 1_000)
    return running || isAbsent(result) ? [record] : []
  })
})
