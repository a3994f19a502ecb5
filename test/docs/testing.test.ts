/** docs/testing.md names only commands, files and variables that exist; test/fuzz/README.md describes every fuzz target. */
import { existsSync, globSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }
import { targets } from "../fuzz/Targets.ts"
import { pages, read, root, rowsBelow } from "./support/Markdown.ts"

const page = read("docs/testing.md")
const found = (pattern: RegExp, text = page) => [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))]

it("test/fuzz/README.md describes every fuzz target", () => {
  const names = targets.map(({ name }) => name)
  const described = rowsBelow("test/fuzz/README.md", "Targets").flatMap(([cell = ""]) => found(/`(.+?)`/g, cell))
  assert.deepStrictEqual(described.toSorted(), names.toSorted())
  const [, properties = ""] = read("test/fuzz/README.md").split("## Properties")
  const inProperties = found(/`([^`]+)`/g, properties)
  assert.isNotEmpty(inProperties)
  assert.deepStrictEqual(
    inProperties.filter((name) => ![...names, ".."].includes(name)),
    []
  )
})

describe("docs/testing.md", () => {
  it("names make targets that exist", () => {
    const there = found(/^([a-z0-9-]+):/gm, read("Makefile"))
    const named = found(/(?:`|^)make ([a-z0-9-]+)/gm)
    assert.isAbove(named.length, 8)
    assert.deepStrictEqual(
      named.filter((name) => !there.includes(name)),
      []
    )
  })

  it("names npm scripts that exist", () => {
    const scripts = found(/npm (?:run )?([\w-]+)/g)
    assert.includeMembers(scripts, ["test", "e2e"])
    for (const script of scripts) assert.property(manifest.scripts, script)
  })

  it("names files that exist", () => {
    const paths = found(/`((?:test|scripts|\.ci)\/[\w./-]+)`/g)
    assert.isAbove(paths.length, 8)
    assert.deepStrictEqual(
      paths.filter((path) => !existsSync(`${root}/${path}`)),
      []
    )
  })

  it("names environment variables that tests, scripts or the Makefile read", () => {
    const code = globSync(["test/**/*.ts", "scripts/**/*.{ts,sh}", "Makefile"], { cwd: root }).map(read).join("\n")
    const variables = found(/\b([A-Z]+_[A-Z]+|SHORT|ONLY)\b/g).filter(
      (name) => !["CNI_ARGS", "PRETTY_NAME"].includes(name)
    )
    assert.includeMembers(variables, ["VPP_PREFIX", "FUZZ_SECONDS", "MODEL_RUNS", "UT_OS"])
    assert.deepStrictEqual(
      variables.filter(
        (name) => !new RegExp(`env\\["${name}"\\]|\\b${name}.*= process\\.env|\\$[{(]?${name}\\b`).test(code)
      ),
      []
    )
  })
})

it.each(pages)("%s has no test counts, which the next change makes wrong", (path) => {
  assert.notMatch(read(path), /\bTest Files +\d|\bTests +\d+ passed|\b\d+ (?:tests|test files)\b/)
})
