/** docs/container.md: its annotations are parsed, and the commands print what the page shows. */
import { linkSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readConfigurationData } from "../../src/container/read/ConfigurationData.ts"
import { readDeviceInfo } from "../../src/container/read/NetworkStatus.ts"
import { blocks, read } from "../docs/support/Markdown.ts"
import { run } from "./support/Command.ts"
import { listening, pod } from "./support/Pod.ts"

const page = read("docs/container.md")

/** The block after `<!-- tested: name -->`. */
const tested = (name: string): string => {
  const start = page.indexOf(`<!-- tested: ${name} -->\n\n\`\`\`\n`)
  assert.isAbove(start, 0, name)
  return page.slice(page.indexOf("```\n", start) + 4).split("\n```")[0] ?? ""
}

const mounted = "/var/lib/cni/usrspcni"

/** As in the page's pod, with another directory. */
const printed = Effect.fnUntraced(function* (...words: ReadonlyArray<string>) {
  const there = yield* pod
  there.annotateText(tested("annotations"))
  yield* listening(`${there.directory}/other`)
  linkSync(`${there.directory}/other`, `${there.directory}/memif-3f1c9a0b2d4e-net2.sock`)
  const { out } = yield* run([...words, ...there.flags])
  return out.replaceAll(there.directory, mounted)
})

describe("the page", () => {
  for (const command of ["show", "testpmd", "vpp --startup-conf"]) {
    it.live(`shows what container ${command} prints`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* printed(...command.split(" ")), tested(`container ${command}`))
      })
    )
  }

  it("has elements and device information that are read without a problem", () => {
    const json = blocks(page).filter(({ language }) => language === "json")
    assert.lengthOf(json, 3)
    for (const { line, text } of json) {
      const { parts, problems } = text.includes('"ifName"')
        ? readConfigurationData("page", mounted, text)
        : readDeviceInfo("page", "net1", text)
      assert.deepStrictEqual([parts.length, problems], [1, []], `line ${line}`)
    }
  })
})
