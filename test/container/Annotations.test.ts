/** Annotations exactly as Go and kubelet write them, and any other content of the file. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseAnnotations, unquote } from "../../src/container/read/Annotations.ts"
import { annotationFile, quoted, valuesOf } from "./support/Pod.ts"

const fixture = (name: string) => readFileSync(`${import.meta.dirname}/fixtures/${name}`, "utf8")

describe("kubelet's file", () => {
  it("gives the annotations from which it was written", () => {
    const { get, problems } = parseAnnotations(fixture("annotations.txt"))
    const values = valuesOf(fixture("annotations.json"))
    assert.isAbove(Object.keys(values).length, 5)
    for (const [key, value] of Object.entries(values)) assert.strictEqual(get(key), value)
    assert.deepStrictEqual(problems, [])
  })

  it("preserves every character", () => {
    const text = fixture("characters.txt")
    const { get, problems } = parseAnnotations(text)
    const keys = text.split("\n").flatMap((line) => /^u([0-9a-f]{6})=/.exec(line)?.[1] ?? [])
    assert.isAbove(keys.length, 0x300)
    for (const key of keys) assert.strictEqual(get(`u${key}`), String.fromCodePoint(Number.parseInt(key, 16)), key)
    assert.strictEqual(get("bytes"), "a\ufffdb\ufffd")
    assert.deepStrictEqual(problems, [])
  })
})

describe("quotes", () => {
  it.prop("are removed as they were added, for any text", [Schema.String], ([text]) => {
    // A lone surrogate is no character, so Go cannot have written it.
    const whole = text.toWellFormed()
    assert.deepStrictEqual(unquote(quoted(whole)), Result.succeed(whole))
    assert.strictEqual(parseAnnotations(annotationFile({ "a/b": whole })).get("a/b"), whole)
  })

  for (const [text, why] of [
    ['"', "double quotes"],
    ["plain", "double quotes"],
    ['"half', "double quotes"],
    ['"a"b"', "Go does not write"],
    ['"\\q"', "Go does not write"],
    ['"\\"', "Go does not write"],
    ['"\\x4"', "Go does not write"]
  ] as const) {
    it(`${text} is refused`, () => {
      assert.include(Result.getOrThrow(Result.flip(unquote(text))), why)
    })
  }
})

describe("any text", () => {
  it.prop("is read without a defect", [Schema.String], ([text]) => {
    const { problems } = parseAnnotations(text)
    assert.isAtMost(problems.length, text.split("\n").length)
  })

  it("keeps the valid lines beside invalid ones, and names the invalid", () => {
    const { get, problems } = parseAnnotations('a="1"\nnonsense\nb="2\r\nc="3"\r\n=x\n')
    assert.deepStrictEqual([get("a"), get("b"), get("c")], ["1", undefined, "3"])
    assert.deepStrictEqual(
      problems.map((problem) => problem.split(" is ")[0]),
      ["line 2", "line 3", "line 5"]
    )
  })
})
