/** Every package has its reason in docs/dependencies.md. */
import { assert, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }
import { read } from "./support/Markdown.ts"

it("docs/dependencies.md has a row for every package, and no other", () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest
  const rows = [...read("docs/dependencies.md").matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(({ 1: names = "" }) =>
    names.split(", ").map((name) => name.replaceAll("`", ""))
  )
  assert.deepStrictEqual(
    rows.toSorted(),
    Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).toSorted()
  )
})
