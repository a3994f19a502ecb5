/**
 * `docs/troubleshooting.md` quotes real messages, and names existing commands. Commands of the switches run on real ones in `test/e2e/troubleshooting.test.ts`.
 */

import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { findings } from "../../src/attachment/doctor/findings/Findings.ts"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { edges } from "../install/support/Edges.ts"
import { commands } from "./support/Commands.ts"
import { read } from "./support/Markdown.ts"
import { situations } from "./support/Situations.ts"

const page = read("docs/troubleshooting.md")
const quoted = [...page.matchAll(/<!-- said: (.+) -->\n\n```\n([\s\S]*?)\n```/g)].map(([, name = "", text = ""]) => ({
  name,
  text
}))

describe("docs/troubleshooting.md", () => {
  it("quotes every situation once, and no other", () => {
    assert.deepStrictEqual(quoted.map(({ name }) => name).toSorted(), Object.keys(situations).toSorted())
    assert.strictEqual([...page.matchAll(/^<!-- said/gm)].length, quoted.length)
  })

  for (const { name, text } of quoted) {
    it.live(`what is said: ${name}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* situations[name] ?? Effect.succeed(""), text)
      })
    )
  }

  it("has the doctor's finding of every situation, and a test on the real thing that expects it", () => {
    const named = [...page.matchAll(/<!-- said: (.+) -->\n\n```\n[\s\S]*?\n```\n\nFinding: \[`([a-z-]+)`\]/g)]
    assert.deepStrictEqual(named.map(([, name]) => name).toSorted(), Object.keys(situations).toSorted())
    for (const [, name, id = ""] of named) assert.property(findings, id, name)
    const tests = ["doctor", "doctor-kubernetes", "doctor-vpp"].map((name) => read(`test/e2e/${name}.test.ts`)).join("")
    for (const [, name] of named) assert.include(tests, JSON.stringify(name))
  })

  const ours = commands(page).filter(([program]) => program === "userspace")

  it("has commands of ours", () => assert.isAbove(ours.length, 4))

  it.effect.each(ours.map((words) => ({ line: words.join(" "), words })))(
    "$line is a command that exists",
    ({ words }) =>
      Effect.gen(function* () {
        const first = words.findIndex((word) => word.startsWith("--"))
        const path = words.slice(1, first === -1 ? undefined : first)
        yield* commandLine([...path, "--help"], {})
        const help = (yield* TestConsole.logLines).join("\n")
        assert.include(help, "USAGE")
        for (const flag of words.filter((word) => word.startsWith("--"))) assert.include(help, flag)
      }).pipe(Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, edges]))
  )
})
