/**
 * Compares the message definitions with those of a VPP: `node scripts/vpp-api.ts /usr/share/vpp/api`. Exit status 1
 * when one differs. A missing one is only reported, because not every VPP has all messages.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { compareAll, decodeApiFile } from "./vpp-api/ApiDefinitions.ts"

const directory = process.argv[2] ?? "/usr/share/vpp/api"

const main = Effect.gen(function* () {
  const names = fs.readdirSync(directory, { recursive: true, encoding: "utf8" })
  const files = names.filter((name) => name.endsWith(".api.json"))
  const read = (name: string) => decodeApiFile(fs.readFileSync(path.join(directory, name), "utf8"))
  const comparisons = compareAll(yield* Effect.forEach(files, read))
  for (const comparison of comparisons) {
    const detail = "detail" in comparison ? `: ${comparison.detail}` : ""
    yield* Console.log(`${comparison.verdict.padEnd(12)} ${comparison.name}${detail}`)
  }
  return comparisons.filter(({ verdict }) => verdict !== "same" && verdict !== "missing").length
})

process.exitCode = (await Effect.runPromise(main)) === 0 ? 0 : 1
