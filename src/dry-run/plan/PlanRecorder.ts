/**
 * Collects the planned operations of the recording layers, each with its step. The programs in `attachment/` declare
 * their steps (`Step.ts`), so they need not know about the dry run.
 */
import * as Effect from "effect/Effect"
import { CurrentStep } from "../../program/Step.ts"
import type { Change, Step } from "./Plan.ts"

export interface PlanRecorder {
  readonly record: (change: Change) => Effect.Effect<void>
  /** For the reader: what was read, what is assumed, what only the real call will know. Each once. */
  readonly note: (text: string) => void
  /** A current problem: the call would fail, although the plan continues. */
  readonly obstacle: (text: string) => void
  readonly unknown: (text: string) => void
  readonly warn: (text: string) => void
  readonly notes: () => ReadonlyArray<string>
  readonly obstacles: () => ReadonlyArray<string>
  readonly unknowns: () => ReadonlyArray<string>
  readonly warnings: () => ReadonlyArray<string>
  readonly count: () => number
  readonly steps: () => ReadonlyArray<Step>
}

/**
 * `verb`: the name for changes between two steps. `stopAt`: the change at which the call is stopped as by a signal, so that its rollback is recorded as well.
 */
export const make = (verb = "call", stopAt?: number): PlanRecorder => {
  const changes: Array<{ readonly step: string; readonly undoes: boolean; readonly change: Change }> = []
  const notes = new Set<string>()
  const obstacles = new Set<string>()
  const unknowns = new Set<string>()
  const warnings = new Set<string>()
  return {
    record: Effect.fnUntraced(function* (change) {
      const { name, undoes } = (yield* CurrentStep) ?? { name: verb, undoes: false }
      changes.push({ step: name, undoes, change })
      if (changes.length === stopAt) return yield* Effect.interrupt
    }),
    note: (text) => void notes.add(text),
    obstacle: (text) => void obstacles.add(text),
    unknown: (text) => void unknowns.add(text),
    warn: (text) => void warnings.add(text),
    notes: () => [...notes],
    obstacles: () => [...obstacles],
    unknowns: () => [...unknowns],
    warnings: () => [...warnings],
    count: () => changes.length,
    steps: () => {
      const of = (wanted: string, back: boolean) =>
        changes.flatMap(({ change, step, undoes }) => (step === wanted && undoes === back ? [change] : []))
      const names = new Set(changes.map(({ step }) => step))
      return [...names].map((step) => ({ step, changes: of(step, false), undo: of(step, true) }))
    }
  }
}
