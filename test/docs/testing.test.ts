/** What docs/testing.md says can be run, can be; what it says of the fuzz targets is said of each. */
import { existsSync, globSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }
import { targets } from "../fuzz/Targets.ts"
import { pages, read, root, rowsBelow } from "./support/Markdown.ts"

const page = read("docs/testing.md")
const found = (pattern: RegExp, text = page) => [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))]

describe("docs/testing.md", () => {
  it("says of every fuzz target what is done with it", () => {
    const named = rowsBelow("docs/testing.md", "What comes from outside").flatMap(([names = ""]) =>
      found(/`(.+?)`/g, names)
    )
    assert.deepStrictEqual(named.toSorted(), targets.map(({ name }) => name).toSorted())
    const inWords = /^Every case has to([\s\S]*?)^`make test`/m.exec(page)?.[1] ?? ""
    assert.isNotEmpty(inWords)
    const known = [...named, ".."]
    assert.deepStrictEqual(
      found(/`([^`]+)`/g, inWords).filter((name) => !known.includes(name)),
      []
    )
  })

  it("names targets of make that there are", () => {
    const there = found(/^([a-z0-9-]+):/gm, read("Makefile"))
    const named = found(/(?:`|^)make ([a-z0-9-]+)/gm)
    assert.isAbove(named.length, 8)
    assert.deepStrictEqual(
      named.filter((name) => !there.includes(name)),
      []
    )
  })

  it("names scripts of npm that there are, and tests for them", () => {
    const figures = rowsBelow("docs/testing.md", "Figures").map(([, command = ""]) => command.replaceAll("`", ""))
    for (const command of figures) {
      const [, script, filter] = /^(?:[A-Z_]+=\S+ )?npm (?:run )?([\w-]+) -- (\S+)/.exec(command) ?? []
      if (script === undefined) assert.match(command, /^(make [a-z]+|\.ci\/run)$/)
      else {
        assert.property(manifest.scripts, script)
        assert.isNotEmpty(globSync("test/**/*.test.ts", { cwd: root }).filter((path) => path.includes(filter ?? "")))
      }
    }
  })

  it("names files that there are", () => {
    const paths = found(/`((?:test|scripts|\.ci)\/[\w./-]+)`/g)
    assert.isAbove(paths.length, 8)
    assert.deepStrictEqual(
      paths.filter((path) => !existsSync(`${root}/${path}`)),
      []
    )
  })

  it("names variables that are read", () => {
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

it.each(pages)("%s has no counts of a run, which the next change makes wrong", (path) => {
  assert.notMatch(read(path), /\bTest Files +\d|\bTests +\d+ passed|\b\d+ (?:tests|test files)\b/)
})
