/**
 * Carries out decisions, independently for each attachment. Reads the record again immediately before, because other
 * calls may have changed it since the inspection; `Decide.ts` explains which.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Control } from "../../cni/network/HostPort.ts"
import { asCniError, CniError, ErrorCodes } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { Namespaces } from "../../platform/Namespaces.ts"
import { Vswitch } from "../../vswitch/Vswitch.ts"
import { removeRecorded } from "../node/Gc.ts"
import type { Switches } from "../node/Switches.ts"
import { observed } from "../ObservedAttachment.ts"
import { attachmentOfRecord } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { deleted, readable, repair, restore } from "../verbs/Restore.ts"
import type { Action, Ending, Finding } from "./Decide.ts"

export interface Tools {
  readonly switches: Switches
  readonly variables: Variables
  /** Is told of each port that is about to be made. */
  readonly attempting?: (record: Record) => Effect.Effect<void>
}

/** The outcome of a finding. `passed`: it no longer exists, or another call works on it. */
export type Outcome =
  | { readonly _tag: "Done" | "Passed" | "Planned"; readonly words: string }
  | { readonly _tag: "Failed"; readonly error: CniError }
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
    Effect.fnUntraced(function* (finding) {
      const { action } = finding
      if (action._tag !== "Do") return { ...finding, outcome: withoutDoing(action) } satisfies Acted
      // An unreachable switch fails all its attachments alike.
      const outcome: Outcome =
        absent === undefined ? yield* carryOut(action, at, tools) : { _tag: "Failed", error: absent }
      if (isAbsent(outcome)) absent = outcome.error
      return { ...finding, outcome } satisfies Acted
    }),
    { concurrency: atOnce }
  )
})

const words = { restore: "recreate", repair: "repair", delete: "delete" } as const

const withoutDoing = (action: Exclude<Action, { readonly _tag: "Do" }>): Outcome =>
  action._tag === "Report"
    ? { _tag: "Reported" }
    : { _tag: "Waits", words: `a later round ${words[action.deed]}s it`, until: action.until }

/** The outcome in a dry run. */
export const plan = (finding: Finding): Acted => {
  const { action } = finding
  const outcome: Outcome =
    action._tag === "Do" ? { _tag: "Planned", words: `${words[action.deed]} it` } : withoutDoing(action)
  return { ...finding, outcome }
}

const isAbsent = (outcome: Outcome): outcome is Extract<Outcome, { readonly _tag: "Failed" }> =>
  outcome._tag === "Failed" && outcome.error.code === ErrorCodes.TryAgainLater

export const endingsOf = (acted: ReadonlyArray<Acted>): ReadonlyArray<readonly [Record, Ending]> =>
  acted.flatMap(({ action, outcome }) =>
    action._tag !== "Do" || (outcome._tag !== "Done" && outcome._tag !== "Failed")
      ? []
      : [[action.record, outcome._tag === "Done" ? "done" : isAbsent(outcome) ? "absent" : "failed"] as const]
  )

const carryOut = Effect.fnUntraced(
  function* ({ deed, record }: Extract<Action, { readonly _tag: "Do" }>, at: Control, tools: Tools) {
    if (deed === "delete") return yield* remove(record, tools)
    const made = yield* remake(deed, record, at, tools)
    if (made.outcome === "skipped") return passed(made.reason)
    return made.outcome === "there"
      ? passed(`port ${made.port} exists`)
      : ({ _tag: "Done", words: `recreated: ${made.made.join(", ")}` } satisfies Outcome)
  },
  Effect.catch((error) => Effect.succeed<Outcome>({ _tag: "Failed", error: asCniError(error) }))
)

/** Makes the port of a recorded attachment again, if the record is still that of the same ADD. */
export const remake = Effect.fnUntraced(function* (
  deed: "restore" | "repair",
  record: Record,
  at: Control,
  { attempting = () => Effect.void, switches, variables }: Tools
) {
  const now = yield* (yield* Records).find(attachmentOfRecord(record))
  if (now?.invocation !== record.invocation) return deleted
  const call = yield* Effect.fromResult(readable(now, variables))
  yield* attempting(record)
  const self = deed === "restore" ? restore(call, now) : repair(call, now)
  return yield* Effect.provide(self, Layer.effect(Vswitch, switches.at(at)))
})

const passed = (words: string): Outcome => ({ _tag: "Passed", words })

/** Deletes like GC. If the record's name was used again, the sandbox that exists is another's. */
const remove = Effect.fnUntraced(function* (record: Record, { switches, variables }: Tools) {
  const recorded = yield* (yield* Records).find(attachmentOfRecord(record))
  if (recorded?.invocation !== record.invocation) return passed(deleted.reason)
  if ((yield* (yield* Namespaces).judge(record.netns)) !== "missing") {
    return passed(`its sandbox ${record.netns} exists`)
  }
  const gone = [observed(record, { record: recorded })]
  const undone = (yield* removeRecorded(switches, gone, [], variables)).flatMap(({ undone }) => undone)
  const [error] = undone
  if (error === undefined) return { _tag: "Done", words: "deleted" } satisfies Outcome
  return yield* new CniError({
    code: error.code,
    msg: undone.map(({ msg }) => msg).join("; "),
    details: [...new Set(undone.map(({ details }) => details))].join(" ")
  })
})
