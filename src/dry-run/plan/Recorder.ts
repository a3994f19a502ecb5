/**
 * Collects the planned operations of the recording layers, each with its step. The step is the span that the programs
 * in `attachment/` give every step and every undo, so they need not know about the dry run.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { Change, Step } from "./Plan.ts"

export interface Recorder {
  readonly record: (change: Change) => Effect.Effect<void>
  /** For the reader: what was looked at, what is assumed, what only the real call will know. Each once. */
  readonly note: (text: string) => void
  /** What is in the way as things are: the call would fail, although the plan goes on. */
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

const verbs: ReadonlyArray<string> = ["ADD", "DEL", "CHECK", "restore"]
const undo = "undo "

/** `stopAt`: the change at which the call is stopped as by a signal, so that its undos are recorded as well. */
export const make = (stopAt?: number): Recorder => {
  const changes: Array<{ readonly step: string; readonly change: Change }> = []
  const notes = new Set<string>()
  const obstacles = new Set<string>()
  const unknowns = new Set<string>()
  const warnings = new Set<string>()
  return {
    record: Effect.fnUntraced(function* (change) {
      changes.push({ step: yield* currentStep, change })
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
      const of = (wanted: string) => changes.flatMap(({ change, step }) => (step === wanted ? [change] : []))
      const names = new Set(changes.map(({ step }) => (step.startsWith(undo) ? step.slice(undo.length) : step)))
      return [...names].map((step) => ({ step, changes: of(step), undo: of(`${undo}${step}`) }))
    }
  }
}

/** The span directly below the verb's; the verb's own for what is no step. */
const currentStep = Effect.map(Effect.option(Effect.currentParentSpan), (span) => stepOf(Option.getOrUndefined(span)))

const stepOf = (span: Tracer.AnySpan | undefined, below = ""): string =>
  span === undefined || span._tag === "ExternalSpan"
    ? below
    : verbs.includes(span.name)
      ? below || span.name
      : stepOf(Option.getOrUndefined(span.parent), span.name)
