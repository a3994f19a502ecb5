/** The measured matrices for people: counted, as text for a log, and as one self-contained HTML page. */
import type { Cell, Matrix, Result } from "./Results.ts"

type State = Cell["state"]
type Counts = Readonly<Record<State, number>> & { readonly runs: number }

const cellsOf = ({ matrices }: Result): ReadonlyArray<Cell> => matrices.flatMap(({ cells }) => cells.flat())

const count = (cells: ReadonlyArray<Cell>): Counts => {
  const counts = { held: 0, broken: 0, cannot: 0, "not run": 0, runs: 0 }
  for (const { runs, state } of cells) {
    counts[state] += 1
    counts.runs += runs
  }
  return counts
}

export const total = (results: ReadonlyArray<Result>): Counts => count(results.flatMap(cellsOf))

/** Why cells did not run, with their number. */
export const reasons = (cells: ReadonlyArray<Cell>): ReadonlyArray<readonly [reason: string, count: number]> => {
  const counted = new Map<string, number>()
  for (const { notes, state } of cells) {
    if (state === "not run") counted.set(notes.join("; "), (counted.get(notes.join("; ")) ?? 0) + 1)
  }
  return [...counted].sort(([, a], [, b]) => b - a)
}

const inWords = ({ broken, held, "not run": notRun, runs }: Counts): string =>
  `${held + broken} cells run (${runs} calls that went wrong), ${broken} failed, ${notRun} not run`

/** One line for a configuration. */
export const summary = (result: Result): string =>
  result.missing.length > 0
    ? `not run: ${result.missing.join("; ")}`
    : `${inWords(count(cellsOf(result)))}, ${Math.round(result.seconds)} s`

const sign: Readonly<Record<State, string>> = { held: ".", broken: "X", cannot: " ", "not run": "-" }

const matrixText = ({ cells, columns, steps, title }: Matrix): ReadonlyArray<string> => {
  const height = Math.max(...columns.map((column) => column.length))
  const heads = Array.from({ length: height }, (_, line) =>
    columns.map((column) => column.padStart(height)[line] ?? " ").join("")
  )
  return [
    `  ${title}`,
    ...heads.map((line) => `    ${line}`),
    ...steps.map((step, row) => `    ${(cells[row] ?? []).map(({ state }) => sign[state]).join("")}  ${step}`)
  ]
}

/** For a log: one character for each cell. */
export const text = (results: ReadonlyArray<Result>): string =>
  [
    ...results.flatMap((result) => ["", `${result.name}: ${summary(result)}`, ...result.matrices.flatMap(matrixText)]),
    "",
    "  . held   X failed   - not run   (blank) cannot happen to this step",
    `faults: ${inWords(total(results))}`,
    ...reasons(results.flatMap(cellsOf)).map(([reason, cells]) => `  not run: ${cells}: ${reason}`)
  ].join("\n")
