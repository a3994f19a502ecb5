/**
 * Collects the planned operations of the recording layers, each with its step. The programs in `attachment/` declare
 * their steps (`Step.ts`), so they need not know about the dry run.
 */
import * as Effect from "effect/Effect"
import { CurrentStep } from "../../program/Step.ts"
import type { Change, Step } from "./Plan.ts"

/**
 * `verb`: the name for changes between two steps. `stopAt`: the change at which the call is stopped as by a signal, so
 * that its rollback is recorded as well.
 */
export const make = (verb = "call", stopAt?: number) => {
  const changes: Array<{ readonly step: string; readonly undoes: boolean; readonly change: Change }> = []
  return {
    record: Effect.fnUntraced(function* (change: Change) {
      const { name, undoes } = (yield* CurrentStep) ?? { name: verb, undoes: false }
      changes.push({ step: name, undoes, change })
      if (changes.length === stopAt) return yield* Effect.interrupt
    }),
    /** For the reader: what was read, what is assumed. */
    notes: new Set<string>(),
    /** Current problems: the call would fail, although the plan continues. */
    obstacles: new Set<string>(),
    /** What only the real call will know. */
    unknowns: new Set<string>(),
    warnings: new Set<string>(),
    count: () => changes.length,
    steps: (): ReadonlyArray<Step> => {
      const of = (wanted: string, back: boolean) =>
        changes.flatMap(({ change, step, undoes }) => (step === wanted && undoes === back ? [change] : []))
      const names = new Set(changes.map(({ step }) => step))
      return [...names].map((step) => ({ step, changes: of(step, false), undo: of(step, true) }))
    }
  }
}

export type PlanRecorder = ReturnType<typeof make>
