/**
 * DEL and CHECK, from the validated call to their program: reads the record, and selects the configuration that counts.
 * An ADD does not load it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Call } from "../attachment/Call.ts"
import { configurationOfRecord, isNewer } from "../attachment/Recorded.ts"
import type { Record } from "../attachment/records/Record.ts"
import { recordFormat } from "../attachment/records/RecordFormat.ts"
import { Records } from "../attachment/records/Records.ts"
import { del } from "../attachment/verbs/Del.ts"
import { type Configuration, readLeniently } from "../cni/network/Configuration.ts"
import type { Asked } from "../cni/Request.ts"
import type { CniError } from "../cni/types/CniError.ts"
import type { Attachment } from "../identity/Attachment.ts"
import { committing } from "../program/Step.ts"
import { type Choices, chosen } from "./Composition.ts"

export const runRecordedVerb = Effect.fnUntraced(function* (asked: Asked, named: Attachment, choices: Choices) {
  const { environment, previous, verb } = asked
  const record = yield* recordOf(asked, named)
  if (record !== undefined && isNewer(record)) yield* Effect.logWarning(newer(verb, record))
  const call: Call = {
    attachment: { ...named, pod: named.pod ?? record?.pod },
    configuration: yield* configurationThatCounts(asked, record),
    environment,
    previous
  }
  const done = verb === "DEL" ? committing(del(call, record)) : checked(call, record)
  yield* Effect.provide(done, chosen(call, choices))
})

/** CHECK is rare compared with DEL. */
const checked = (call: Call, record: Record | undefined) =>
  Effect.flatMap(
    Effect.promise(() => import("../attachment/verbs/Check.ts")),
    ({ check }) => check(call, record)
  )

const newer = (verb: Asked["verb"], { format }: Record): string =>
  `the record has format ${format}, written by a later release; this release knows ${recordFormat}, and ${
    verb === "DEL" ? "removes" : "compares"
  } only what it knows`

/** A DEL continues without an unreadable record: it must not keep a pod from being deleted. */
const recordOf = Effect.fnUntraced(function* ({ verb }: Asked, attachment: Attachment) {
  const records = yield* Records
  const found = records.find(attachment)
  if (verb !== "DEL") return yield* found
  return yield* Effect.catch(found, (error) =>
    Effect.as(Effect.logWarning(`${error.failed}; continuing with the mark on the switch`), undefined)
  )
})

/**
 * DEL must undo the configuration of the ADD, so the record's takes precedence over the caller's, which may have been
 * edited since. IPAM still gets the caller's, as the specification requires, unless it has no IPAM plugin.
 */
const configurationThatCounts = Effect.fnUntraced(function* (asked: Asked, record: Record | undefined) {
  const { envelope, environment, verb } = asked
  const given = yield* Effect.result(asked.configuration)
  const recorded =
    record === undefined ? undefined : Result.getOrUndefined(configurationOfRecord(record, environment.variables))
  if (recorded === undefined) return yield* verb === "DEL" ? lenient(asked, given) : Effect.fromResult(given)
  if (Result.isFailure(given)) {
    yield* Effect.logWarning(`${given.failure.msg}; continuing with the configuration of the ADD`)
    return recorded
  }
  return given.success.netConf.ipam === undefined
    ? recorded
    : { ...recorded, netConf: { ...recorded.netConf, ipam: given.success.netConf.ipam }, text: envelope.text }
})

/**
 * Without a record, the attachment may be the original plugin's, which ignored much that is rejected here: unknown
 * keys, or VLANs on VPP. That must not keep the pod from being deleted.
 */
const lenient = Effect.fnUntraced(function* (
  { envelope, environment }: Asked,
  strict: Result.Result<Configuration, CniError>
) {
  if (Result.isSuccess(strict)) return strict.success
  const { args, variables } = environment
  const reading = Result.getOrUndefined(readLeniently(envelope, args, variables))
  if (reading === undefined) return yield* strict.failure
  yield* Effect.logWarning(`${strict.failure.msg}; continuing without the invalid keys`)
  return reading
})
