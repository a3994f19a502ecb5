/**
 * Inspects one switch and the records of the attachments on it. Changes nothing. Unreachable sources are reported; the
 * rest is still inspected.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { type Identity, keyOf } from "../../identity/Attachment.ts"
import type { Namespaces } from "../../platform/Namespaces.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { Difference, Owned, Vswitch } from "../../vswitch/Vswitch.ts"
import { requestFor } from "../Call.ts"
import { collecting, controlOf, millis, type SandboxState, sandboxOf } from "../node/Survey.ts"
import { isSame } from "../node/Switches.ts"
import type { Record } from "../records/Record.ts"
import type { RecordError } from "../records/RecordError.ts"
import { Records } from "../records/Records.ts"
import { madeBySwitch } from "../verbs/Add.ts"
import { readable } from "../verbs/Restore.ts"

/** The port of a recorded attachment on its switch. */
export type Port =
  | { readonly _tag: "There"; readonly forgotten: ReadonlyArray<string>; readonly changed: ReadonlyArray<string> }
  | { readonly _tag: "Missing"; readonly words: string }
  /** The switch could not be asked, or there was no reason to. */
  | { readonly _tag: "Unasked" }

/**
 * `whole`: its ADD succeeded, and no DEL has begun. `in transit`: its ADD or DEL is running, or was killed. `deferred`:
 * a DEL of it failed.
 */
export type Stage = "whole" | "in transit" | "deferred"

export interface Seen {
  readonly record: Record
  readonly stage: Stage
  /** `gone` only when that is certain. */
  readonly sandbox: SandboxState
  readonly port: Port
}

export interface Sight {
  /** Milliseconds of a monotonic clock. */
  readonly now: number
  /** True: not all attachments of the switch were inspected. */
  readonly partial: boolean
  readonly seen: ReadonlyArray<Seen>
  /** Ports with our mark and without a record. */
  readonly unrecorded: ReadonlyArray<Owned>
  /** Why the switch, or a part of it, could not be inspected. */
  readonly silent: ReadonlyArray<Explained>
}

interface Wanted {
  readonly at: Control
  readonly vswitch: Vswitch["Service"]
  readonly variables: Variables
  /** Only these attachments; undefined: all of the switch, and its ports without a record. */
  readonly only: ReadonlyArray<Identity> | undefined
}

/** Concurrent inspections on one switch, which calls of the plugin share. */
const atOnce = 2

const unasked: Port = { _tag: "Unasked" }

export const look = Effect.fn("heal.look")(function* (
  wanted: Wanted
): Effect.fn.Return<Sight, RecordError, Records | Namespaces | SharedDir> {
  const { at, only, variables, vswitch } = wanted
  const records = yield* Records
  const all = only === undefined ? yield* records.all : yield* named(only)
  const mine = (record: Record) => {
    const own = controlOf(record, variables)
    return own !== undefined && isSame(own, at)
  }
  const { failures: silent, orNothing } = collecting()
  const owned = only === undefined ? yield* orNothing(vswitch.list(undefined)) : []
  const [doubt] = owned.flatMap((one) => one.doubt ?? [])
  if (doubt !== undefined) silent.push(doubt)
  const ports = only === undefined ? new Set(owned.map(keyOfPort)) : undefined
  const isSilent = silent.length > 0
  const seen = yield* Effect.forEach(
    all.filter(mine),
    (record) => lookAt(record, { ...wanted, ports, silent }, isSilent),
    { concurrency: atOnce }
  )
  return {
    now: yield* millis,
    partial: only !== undefined,
    seen,
    unrecorded: yield* unrecorded(owned, all),
    silent
  } satisfies Sight
})

const named = Effect.fnUntraced(function* (only: ReadonlyArray<Identity>) {
  const { find } = yield* Records
  const found = yield* Effect.forEach(only, (one) => find({ ...one, netns: "", pod: undefined }))
  return found.flatMap((record) => record ?? [])
})

interface Around extends Wanted {
  /** Keys of the switch's ports; undefined: it was not asked. */
  readonly ports: ReadonlySet<string> | undefined
  readonly silent: Array<Explained>
}

const lookAt = Effect.fnUntraced(function* (record: Record, around: Around, isSilent: boolean) {
  const stage = yield* stageOf(record)
  const sandbox = yield* sandboxOf(record.netns)
  if (stage !== "whole" || sandbox !== "there" || isSilent) {
    return { record, stage, sandbox, port: unasked } satisfies Seen
  }
  const port = yield* portOf(record, around)
  const odd = port._tag === "Missing" || (port._tag === "There" && port.forgotten.length + port.changed.length > 0)
  // A DEL that has begun meanwhile is no finding.
  const now = odd ? yield* stageOf(record) : stage
  return { record, stage: now, sandbox, port } satisfies Seen
})

const stageOf = Effect.fnUntraced(function* (record: Record) {
  const records = yield* Records
  if (yield* records.settled(record)) return "whole" satisfies Stage
  return (yield* records.completed(record)) ? ("deferred" satisfies Stage) : ("in transit" satisfies Stage)
})

const portOf = Effect.fnUntraced(function* (record: Record, { ports, silent, variables, vswitch }: Around) {
  const call = readable(record, variables)
  // Reported with the node, where all records are read.
  if (Result.isFailure(call)) return unasked
  if (ports !== undefined && !ports.has(keyOf(record))) return missing("the switch has no port for it")
  const verified = yield* Effect.result(vswitch.verify(requestFor(call.success, record)))
  if (Result.isFailure(verified)) {
    silent.push(verified.failure)
    return unasked
  }
  const { verify } = yield* SharedDir
  // Without permission to inspect files, nothing is reported as missing.
  const files = yield* Effect.orElseSucceed(
    verify(record.place, { socket: madeBySwitch(call.success) }),
    (): ReadonlyArray<Difference> => []
  )
  return fromDifferences([...verified.success, ...files])
})

const missing = (words: string): Port => ({ _tag: "Missing", words })

const fromDifferences = (differences: ReadonlyArray<Difference>): Port => {
  if (differences.some(({ kind, warning }) => kind === "silent" && warning !== true)) return unasked
  const gone = differences.find(({ kind }) => kind === "missing")
  if (gone !== undefined) return missing(gone.what)
  const words = (wanted: Difference["kind"]) =>
    differences.flatMap(({ kind, warning, what }) => (kind === wanted && warning !== true ? [what] : []))
  return { _tag: "There", forgotten: words("forgotten"), changed: words(undefined) }
}

const keyOfPort = (owned: Owned): string => owned.key ?? keyOf(owned)

/** Reads the records again: an ADD that began after the first time has written one by now. */
const unrecorded = Effect.fnUntraced(function* (owned: ReadonlyArray<Owned>, known: ReadonlyArray<Record>) {
  const without = (records: ReadonlyArray<Record>) => {
    const keys = new Set(records.map(keyOf))
    return owned.filter((one) => !keys.has(keyOfPort(one)))
  }
  if (without(known).length === 0) return []
  const records = yield* Records
  return without([...known, ...(yield* records.all)])
})
