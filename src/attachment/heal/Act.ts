/**
 * Carries out decisions, independently for each attachment. Reads the record again immediately before, because other
 * calls may have changed it since the inspection; `Decide.ts` explains which.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import { CniError, ErrorCodes, fromExplained } from "../../cni/spec/CniError.ts"
import type { Variables } from "../../cni/spec/Environment.ts"
import { type Identity, keyOf } from "../../identity/Attachment.ts"
import type { Ipam } from "../../ipam/Ipam.ts"
import type { Edges } from "../../platform/Edges.ts"
import { Namespaces } from "../../platform/Namespaces.ts"
import type { SharedDir } from "../../shared-dir/SharedDir.ts"
import { Vswitch } from "../../vswitch/Vswitch.ts"
import { removeRecorded } from "../node/GcNode.ts"
import type { Switches } from "../node/Switches.ts"
import type { ObservedAttachment } from "../ObservedAttachment.ts"
import { attachmentOfRecord } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { deleted, readable, repair, restore } from "../verbs/Restore.ts"
import type { Action, Ending, Finding } from "./Decide.ts"

export interface Tools {
  readonly switches: Switches
  readonly variables: Variables
  /** Wraps each change of an attachment: an agent runs no call of that attachment meanwhile. */
  readonly alone?: <A, E, R>(attachment: Identity, self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

type Services = Edges | Ipam | Records | SharedDir

/** The outcome of a finding. `passed`: it no longer exists, or another call works on it. */
export type Outcome =
  | { readonly _tag: "Done"; readonly words: string }
  | { readonly _tag: "Failed"; readonly error: CniError }
  | { readonly _tag: "Passed"; readonly words: string }
  | { readonly _tag: "Planned"; readonly words: string }
  | { readonly _tag: "Waits"; readonly words: string; readonly until: number }
  | { readonly _tag: "Reported" }

export interface Acted extends Finding {
  readonly outcome: Outcome
}

/** Half of one VPP's connection limit, so that calls of the plugin get a connection. */
const atOnce = 4

export const act = Effect.fn("heal.act")(function* (findings: ReadonlyArray<Finding>, at: Control, tools: Tools) {
  let absent: CniError | undefined
  return yield* Effect.forEach(
    findings,
    (finding) =>
      Effect.gen(function* () {
        const { action } = finding
        if (action._tag !== "Do") return { ...finding, outcome: withoutDoing(action) } satisfies Acted
        // An unreachable switch fails all its attachments alike.
        const outcome: Outcome =
          absent === undefined
            ? yield* around(tools, action.record, carryOut(action, at, tools))
            : { _tag: "Failed", error: absent }
        if (isAbsent(outcome)) absent = outcome.error
        return { ...finding, outcome } satisfies Acted
      }),
    { concurrency: atOnce }
  )
})

const around = <A, E, R>({ alone }: Tools, record: Record, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  alone === undefined ? self : alone(attachmentOfRecord(record), self)

const withoutDoing = (action: Exclude<Action, { readonly _tag: "Do" }>): Outcome =>
  action._tag === "Report" ? { _tag: "Reported" } : { _tag: "Waits", words: later[action.deed], until: action.until }

/** The outcome in a dry run. */
export const plan = (finding: Finding): Acted => ({
  ...finding,
  outcome:
    finding.action._tag === "Do"
      ? { _tag: "Planned", words: inWords[finding.action.deed] }
      : withoutDoing(finding.action)
})

const later = {
  restore: "a later round recreates it",
  repair: "a later round repairs it",
  delete: "a later round deletes it"
} as const

const inWords = { restore: "recreate it", repair: "repair it", delete: "delete it" } as const

const isAbsent = (outcome: Outcome): outcome is Extract<Outcome, { readonly _tag: "Failed" }> =>
  outcome._tag === "Failed" && outcome.error.code === ErrorCodes.TryAgainLater

export const endingsOf = (acted: ReadonlyArray<Acted>): ReadonlyArray<readonly [Record, Ending]> =>
  acted.flatMap(({ action, outcome }) => {
    const ending = action._tag === "Do" ? endingOf(outcome) : undefined
    return action._tag !== "Do" || ending === undefined ? [] : [[action.record, ending] as const]
  })

const endingOf = (outcome: Outcome): Ending | undefined =>
  outcome._tag === "Done" ? "done" : outcome._tag !== "Failed" ? undefined : isAbsent(outcome) ? "absent" : "failed"

const carryOut = Effect.fnUntraced(function* (
  { deed, found, record }: Extract<Action, { readonly _tag: "Do" }>,
  at: Control,
  tools: Tools
): Effect.fn.Return<Outcome, never, Services> {
  const records = yield* Records
  const now = yield* Effect.result(records.find(attachmentOfRecord(record)))
  if (Result.isFailure(now)) return { _tag: "Failed", error: fromExplained(now.failure) }
  const isBegun = found.stage === "begun"
  if (isBegun ? now.success !== undefined : now.success?.invocation !== record.invocation) return passed
  return deed === "delete"
    ? yield* remove(now.success, record, tools)
    : yield* remake(deed, now.success ?? record, at, tools)
})

const passed: Outcome = { _tag: "Passed", words: deleted.reason }

const remake = Effect.fnUntraced(function* (
  deed: "restore" | "repair",
  record: Record,
  at: Control,
  { switches, variables }: Tools
): Effect.fn.Return<Outcome, never, Services> {
  const call = readable(record, variables)
  if (Result.isFailure(call)) return { _tag: "Failed", error: call.failure }
  const vswitch = yield* switches.at(at)
  const made = yield* (deed === "restore" ? restore : repair)(call.success, record).pipe(
    Effect.provideService(Vswitch, vswitch),
    Effect.result
  )
  if (Result.isFailure(made)) {
    const error = made.failure
    return { _tag: "Failed", error: error._tag === "CniError" ? error : fromExplained(error) }
  }
  const { success: done } = made
  if (done.outcome === "skipped") return { _tag: "Passed", words: done.reason }
  return done.outcome === "there"
    ? { _tag: "Passed", words: `port ${done.port} exists` }
    : { _tag: "Done", words: `recreated: ${done.made.join(", ")}` }
})

/** Deletes like GC. If the record's name was used again, the sandbox that exists is another's. */
const remove = Effect.fnUntraced(function* (
  recorded: Record | undefined,
  record: Record,
  { switches, variables }: Tools
): Effect.fn.Return<Outcome, never, Services> {
  if ((yield* (yield* Namespaces).judge(record.netns)) !== "missing") {
    return { _tag: "Passed", words: `its sandbox ${record.netns} exists` }
  }
  const { containerId, ifName, network, pod } = record
  const stray: ObservedAttachment = {
    key: keyOf(record),
    who: { network, containerId, ifName, pod },
    record: recorded,
    begun: recorded === undefined ? record : undefined,
    ports: []
  }
  const [removal] = yield* removeRecorded(switches, [stray], [], variables)
  const [error, ...more] = removal?.undone ?? []
  if (error === undefined) return { _tag: "Done", words: "deleted" }
  return {
    _tag: "Failed",
    error: new CniError({
      code: error.code,
      msg: [error, ...more].map(({ msg }) => msg).join("; "),
      details: [...new Set([error, ...more].map(({ details }) => details))].join(" ")
    })
  }
})
