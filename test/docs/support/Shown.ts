/** The tests that docs/security.md names for each threat, and whether a run confirms them. */
import { rowsBelow } from "./Markdown.ts"

export interface Shown {
  readonly path: string
  readonly tests: ReadonlyArray<string>
}

/** `[words](../test/file.ts) "name of a test", "another"; [words](...)` */
export const shownBy = (cell: string): ReadonlyArray<Shown> =>
  cell.split(/(?=\[[^\]]+\]\()/).flatMap((part) => {
    const [, path] = /^\[[^\]]+\]\(\.\.\/(test\/[^)]+)\)/.exec(part) ?? []
    return path === undefined ? [] : [{ path, tests: [...part.matchAll(/"([^"]+)"/g)].map(({ 1: name = "" }) => name) }]
  })

export const threats = rowsBelow("docs/security.md", "Threats")
export const features = rowsBelow("docs/security.md", "What a pod sends")

/** A test in the reports of a run, with its file. */
export interface Result {
  readonly file: string
  readonly ancestorTitles: ReadonlyArray<string>
  readonly title: string
  readonly status: string
}

/**
 * Matches word for word, with any text for the values that are filled in at run time. The name of a case is filled in
 * itself, so there may be more text around it.
 */
const pattern = (title: string): RegExp => {
  const parts = title.split(/%[a-z]|\$\{[^}]*\}|\$[a-z]\w*/)
  return new RegExp(parts.map((part) => RegExp.escape(part)).join("[^]*"))
}

/** The named tests of which none passed in this run, with `failed`, `skipped`, or `not there`. */
export const unshown = (
  results: ReadonlyArray<Result>,
  rows: ReadonlyArray<ReadonlyArray<string>> = [...threats, ...features]
): ReadonlyArray<readonly [became: string, test: string]> =>
  rows
    .flatMap(([, , cell = ""]) => shownBy(cell))
    .flatMap(({ path, tests }) => tests.map((name) => ({ path, name })))
    .flatMap(({ name, path }) => {
      const wanted = pattern(name)
      const found = results.filter(
        ({ ancestorTitles, file, title }) =>
          // A file that is not a test file, such as a suite, is run by several.
          (file.endsWith(path) || !path.endsWith(".test.ts")) &&
          [...ancestorTitles, title].some((one) => wanted.test(one))
      )
      if (found.some(({ status }) => status === "passed") && !found.some(({ status }) => status === "failed")) return []
      const became =
        found.length === 0 ? "not there" : found.some(({ status }) => status === "failed") ? "failed" : "skipped"
      return [[became, `${path}: ${name}`] as const]
    })
