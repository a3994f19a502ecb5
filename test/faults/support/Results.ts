/** The results of a campaign, for the report. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { Schema } from "effect"

export const Cell = Schema.Struct({
  /** `broken`: a guarantee did not hold; `cannot`: impossible at this step; `not run`: possible, and not tried. */
  state: Schema.Literals(["held", "broken", "cannot", "not run"]),
  /** How the calls ended, or why there was none. */
  notes: Schema.Array(Schema.String),
  runs: Schema.Int
})
export type Cell = typeof Cell.Type

export const Matrix = Schema.Struct({
  /** `ADD`, `ADD, undone`, `CHECK`, `DEL`. */
  title: Schema.String,
  steps: Schema.Array(Schema.String),
  columns: Schema.Array(Schema.String),
  /** By step, then by column. */
  cells: Schema.Array(Schema.Array(Cell))
})
export type Matrix = typeof Matrix.Type

export const Result = Schema.Struct({
  name: Schema.String,
  seconds: Schema.Number,
  /** None when this machine lacks something: then the steps are unknown. */
  matrices: Schema.Array(Matrix),
  missing: Schema.Array(Schema.String)
})
export type Result = typeof Result.Type

const text = Schema.fromJsonString(Result)

export const directory = resolve(import.meta.dirname, "../../../.cache/faults/results")

export const write = (result: Result): void => {
  mkdirSync(directory, { recursive: true })
  const file = `${directory}/${result.name.replaceAll(/[^a-z0-9]+/gi, "-")}.json`
  writeFileSync(file, Schema.encodeSync(text)(result))
}

export const read = (): ReadonlyArray<Result> =>
  readdirSync(directory)
    .sort()
    .map((name) => Schema.decodeUnknownSync(text)(readFileSync(`${directory}/${name}`, "utf8")))
