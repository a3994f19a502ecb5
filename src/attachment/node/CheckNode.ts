/**
 * CHECK of recorded attachments, each with the parameters and the configuration of its ADD. Changes nothing. Does not
 * retry a switch that did not answer.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { CniError, ErrorCodes, fromExplained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { containerConfigFor } from "../../container-config/ContainerConfigs.ts"
import { Vswitch, type VswitchError } from "../../vswitch/Vswitch.ts"
import { attachmentOfRecord, recordedCall } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { compare } from "../verbs/Check.ts"
import { deleted, inTransit, readable } from "../verbs/Restore.ts"
import { atOnce } from "./Gc.ts"
import { sandboxOf } from "./Survey.ts"
import { nameOf, type Switches } from "./Switches.ts"

/** The outcome for one attachment. A failure is the reason why it could not be compared. */
export interface Checked {
  readonly record: Record
  readonly outcome: "whole" | "differs" | "skipped" | "failed"
  readonly differences: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  /** Why it was skipped. */
  readonly reason?: string | undefined
  readonly error?: CniError | undefined
}

export const checkNode = Effect.fn("check")(function* (
  switches: Switches,
  records: ReadonlyArray<Record>,
  variables: Variables
) {
  const silent = new Map<string, VswitchError>()
  return yield* Effect.forEach(records, (record) => checkOne(switches, record, variables, silent), {
    concurrency: atOnce
  })
})

const checkOne = Effect.fnUntraced(function* (
  switches: Switches,
  listed: Record,
  variables: Variables,
  silent: Map<string, VswitchError>
) {
  const records = yield* Records
  const record = yield* standing(listed)
  if ("outcome" in record) return checked(listed, record)
  const asked = recordedCall("CHECK", record, variables)
  const reading = readable({ ...record, configuration: asked.text }, asked.variables)
  if (Result.isFailure(reading)) return checked(record, { outcome: "failed", error: reading.failure })
  const call = reading.success
  const { port } = call.configuration
  const vswitch = askedOnce(yield* switches.at(port), nameOf(port), silent)
  const compared = yield* Effect.provide(
    compare(call, record),
    Layer.merge(Layer.succeed(Vswitch, vswitch), containerConfigFor(call))
  )
  const differences = [...(yield* sandboxDifferences(record)), ...compared.differences]
  const { failures, warnings } = compared
  const [failure] = failures
  if (differences.length === 0 && failure === undefined) return checked(record, { outcome: "whole", warnings })
  // A DEL that has started in the meantime is not a difference.
  if (!(yield* Effect.orElseSucceed(records.settled(record), () => true))) {
    return checked(record, inTransit)
  }
  if (differences.length === 0 && failure !== undefined) {
    const all = failures.map(({ failed }) => failed).join("; ")
    return checked(record, { outcome: "failed", warnings, error: CniError.of(failure.code, all, failure.cure) })
  }
  return checked(record, {
    outcome: "differs",
    warnings,
    differences: [...differences, ...failures.map(({ failed }) => failed)],
    error: failure === undefined ? undefined : fromExplained(failure)
  })
})

/** The record may have been removed since it was listed, or its DEL may be running. */
const standing = Effect.fnUntraced(function* (listed: Record) {
  const records = yield* Records
  const record = yield* Effect.orElseSucceed(records.find(attachmentOfRecord(listed)), () => listed)
  if (record === undefined) return deleted
  return (yield* Effect.orElseSucceed(records.settled(record), () => true)) ? record : inTransit
})

const checked = (record: Record, more: Pick<Checked, "outcome"> & Partial<Checked>): Checked => ({
  differences: [],
  warnings: [],
  ...more,
  record
})

const sandboxDifferences = ({ netns }: Record) =>
  Effect.map(sandboxOf(netns), (sandbox) => (sandbox === "gone" ? [`its sandbox ${netns} is gone`] : []))

const askedOnce = (vswitch: Vswitch["Service"], name: string, silent: Map<string, VswitchError>) => ({
  ...vswitch,
  verify: (request: Parameters<Vswitch["Service"]["verify"]>[0]) =>
    Effect.suspend(() => {
      const before = silent.get(name)
      if (before !== undefined) return Effect.fail(before)
      return Effect.tapError(vswitch.verify(request), (error) =>
        Effect.sync(() => error.code === ErrorCodes.TryAgainLater && silent.set(name, error))
      )
    })
})
