/**
 * Every threat in docs/security.md names existing tests. Whether they pass is verified by `scripts/shown.ts`, in the
 * reports of all tiers, with the functions tested here.
 */
import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { read, root } from "./support/Markdown.ts"
import { features, shownBy, threats, unshown } from "./support/Shown.ts"
import { titles } from "./support/Titles.ts"

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

it("a title is found where tests are named, and word for word", () => {
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

describe("a run confirms a threat's tests", () => {
  const rows = [["a threat", "what is done", '[a](../test/a.test.ts) "one of %s", "two %i"; [b](../test/b.ts) "three"']]
  const result = (file: string, status: string, title: string, ...ancestorTitles: ReadonlyArray<string>) => ({
    file: `/here/test/${file}`,
    ancestorTitles,
    title,
    status
  })

  it("when each named test has passed, as a test or with all in it", () => {
    const passed = [
      result("a.test.ts", "passed", "one of x"),
      result("a.test.ts", "passed", "case", "two 2, and more"),
      result("runs-b.test.ts", "passed", "three"),
      result("c.test.ts", "failed", "one of x")
    ]
    assert.deepStrictEqual(unshown(passed, rows), [])
  })

  it("and not when one was skipped, has failed in one of its places, or did not run", () => {
    const results = [
      result("a.test.ts", "skipped", "one of x"),
      result("a.test.ts", "passed", "case", "two 2"),
      result("a.test.ts", "failed", "case", "two 3"),
      result("runs-b.test.ts", "passed", "four")
    ]
    assert.deepStrictEqual(unshown(results, rows), [
      ["skipped", "test/a.test.ts: one of %s"],
      ["failed", "test/a.test.ts: two %i"],
      ["not there", "test/b.ts: three"]
    ])
  })
})
