/** The calls whose observed steps are the rows of the matrices. */
import { Effect } from "effect"
import type { Traced, Wrong } from "../process/Order.ts"
import type { Ground, Verb } from "./Ground.ts"
import type * as Results from "./Results.ts"

export const titles = ["ADD", "ADD, undone", "CHECK", "DEL"] as const
type Title = (typeof titles)[number]

export interface Subject {
  readonly title: Title
  readonly verb: Verb
  readonly steps: ReadonlyArray<Traced>
  /** The calls that lead to those steps. */
  readonly base: ReadonlyArray<Wrong>
  /** The result of a step in a column. */
  readonly cells: Map<string, Results.Cell>
}

export type Subjects = Readonly<Record<Title, Subject>>

export const cellName = (step: Traced, column: string): string => `${step.step}\n${column}`

const subject = (title: Title, verb: Verb, steps: ReadonlyArray<Traced>, base: ReadonlyArray<Wrong> = []): Subject => ({
  title,
  verb,
  steps,
  base,
  cells: new Map()
})

/** Steps of successful calls, and of an ADD that fails at its last change and is rolled back. */
export const subjectsOn = Effect.fn("Subjects.on")(function* (ground: Ground) {
  const seen = (verb: Verb, wrong: ReadonlyArray<Wrong> = []) => ground.order(verb, wrong, { all: true })
  const add = subject("ADD", "ADD", (yield* seen("ADD")).traced)
  const check = subject("CHECK", "CHECK", (yield* seen("CHECK")).traced)
  const del = subject("DEL", "DEL", (yield* seen("DEL")).traced)
  const last = add.steps.findLast(({ changes }) => changes)
  const base: ReadonlyArray<Wrong> = last === undefined ? [] : [{ step: last.step, how: "fails late" }]
  const { traced } = yield* seen("ADD", base)
  const undone = subject("ADD, undone", "ADD", traced.slice(traced.findIndex(({ wrong }) => wrong) + 1), base)
  const subjects: Subjects = { ADD: add, "ADD, undone": undone, CHECK: check, DEL: del }
  return subjects
})
