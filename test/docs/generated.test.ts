/** The output of `make docs` is current and complete: every key, every error code. */
import { assert, describe, it } from "@effect/vitest"
import { containerNotes, keyNotes } from "../../scripts/docs/KeyNotes.ts"
import { keys } from "../../scripts/docs/NetConfSchema.ts"
import { generated, shown } from "../../scripts/docs/Pages.ts"
import { tables } from "../../scripts/docs/Tables.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { read } from "./support/Markdown.ts"

describe("the generated reference", () => {
  for (const { now, path, wanted } of generated()) {
    it(`${path} is what \`make docs\` writes`, () => assert.strictEqual(now, wanted))
  }

  it("shows every table once", () => {
    const names = shown().filter((name) => !name.startsWith("examples/") && name !== "make demo")
    assert.deepStrictEqual(names.toSorted(), Object.keys(tables).toSorted())
  })

  it("has every key of the schema, described, and no other", () => {
    assert.deepStrictEqual(
      keys()
        .map(({ path }) => path)
        .sort(),
      [...Object.keys(keyNotes), ...Object.keys(containerNotes)].sort()
    )
    assert.deepStrictEqual(
      keys().filter(({ description }) => description === ""),
      []
    )
  })

  it("has a row for every error code", () => {
    const page = read("docs/errors.md")
    for (const code of Object.values(ErrorCodes)) assert.match(page, new RegExp(`^\\| ${code} \\| \\S`, "m"))
  })
})
