/** Every threat in docs/security.md names the tests that show that it is met; they are there, and called so. */
import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { read, root, rowsBelow } from "./support/Markdown.ts"
import { titles } from "./support/Titles.ts"

interface Shown {
  readonly path: string
  readonly tests: ReadonlyArray<string>
}

/** `[words](../test/file.ts) "name of a test", "another"; [words](...)` */
const shownBy = (cell: string): ReadonlyArray<Shown> =>
  cell.split(/(?=\[[^\]]+\]\()/).flatMap((part) => {
    const [, path] = /^\[[^\]]+\]\(\.\.\/(test\/[^)]+)\)/.exec(part) ?? []
    return path === undefined ? [] : [{ path, tests: [...part.matchAll(/"([^"]+)"/g)].map(({ 1: name = "" }) => name) }]
  })

const threats = rowsBelow("docs/security.md", "Threats")
const features = rowsBelow("docs/security.md", "What a pod sends")
const rows = [...threats, ...features]

describe("docs/security.md", () => {
  it("has threats, and what is done about each", () => {
    assert.isAbove(threats.length, 15)
    assert.isAbove(features.length, 10)
    for (const [threat, done] of rows) assert.isTrue(threat !== "" && done !== "", threat)
  })

  it.each(rows.map(([threat = "", , shown = ""]) => [threat, shownBy(shown)] as const))("%s", (_, shown) => {
    assert.isNotEmpty(shown)
    for (const { path, tests } of shown) {
      assert.isTrue(existsSync(`${root}/${path}`), path)
      assert.isNotEmpty(tests, path)
      const there = titles(read(path))
      assert.deepStrictEqual(
        tests.filter((name) => !there.has(name)),
        [],
        path
      )
    }
  })
})

it("a title is one where tests are named, and word for word", () => {
  const text = [
    'it("one", () => {})',
    'it.live.each(rows)(\n  "two %s", () => {})',
    "describe(`three`, () => {})",
    'const cases = [{ name: "four" }, ["five", 5]]',
    'const more = {\n  "six": 6\n}',
    'assert.include(text, "seven") // "eight"'
  ].join("\n")
  assert.deepStrictEqual([...titles(text)].sort(), ["five", "four", "one", "six", "three", "two %s"])
})
