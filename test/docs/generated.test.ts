/** What `make docs` writes is current and whole: every key, every error code. */
import { assert, describe, it } from "@effect/vitest"
import { containerNotes, keyNotes } from "../../scripts/docs/KeyNotes.ts"
import { keys } from "../../scripts/docs/NetConfSchema.ts"
import { generated, shown } from "../../scripts/docs/Pages.ts"
import { tables } from "../../scripts/docs/Tables.ts"
import { ErrorCodes } from "../../src/cni/ErrorCodes.ts"
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
    const here = keys().filter(({ path }) => !path.startsWith("container."))
    assert.deepStrictEqual(here.map(({ path }) => path).sort(), Object.keys(keyNotes).sort())
    assert.deepStrictEqual(
      here.filter(({ description }) => description === "").map(({ path }) => path),
      []
    )
  })

  it("says of every key of the container what stands for it", () => {
    const names = Object.keys(containerNotes)
    const covered = (path: string) => names.includes(path) || names.includes(path.replace(/[^.]+$/, "*"))
    const inSchema = keys()
      .map(({ path }) => path)
      .filter((path) => path.startsWith("container."))
    assert.deepStrictEqual(
      inSchema.filter((path) => !covered(path)),
      []
    )
    assert.deepStrictEqual(
      names.filter((name) => !name.endsWith("*") && !inSchema.includes(name)),
      []
    )
  })

  it("has a row for every error code", () => {
    const page = read("docs/errors.md")
    for (const code of Object.values(ErrorCodes)) assert.match(page, new RegExp(`^\\| ${code} \\| \\S`, "m"))
  })
})
