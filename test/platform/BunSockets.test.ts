/** bun runs the suite, since its sockets exist nowhere else; here each of its verdicts becomes a test. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { cases } from "../suites/SocketsSuite.ts"

const Verdict = Schema.fromJsonString(Schema.Struct({ name: Schema.String, failure: Schema.NullOr(Schema.String) }))

const bun = join(import.meta.dirname, "../../node_modules/.bin/bun")
const program = join(import.meta.dirname, "support/bun-sockets.ts")

describe("on bun", () => {
  const { stderr, stdout } = spawnSync(bun, [program], { encoding: "utf8", timeout: 120_000 })
  const lines = stdout.split("\n").filter((line) => line !== "")
  const verdicts = new Map(
    lines.map((line) => Schema.decodeUnknownSync(Verdict)(line)).map(({ failure, name }) => [name, failure])
  )
  for (const { name } of cases) {
    it(name, () => assert.isNull(verdicts.get(name) ?? (verdicts.has(name) ? null : `did not run: ${stderr}`)))
  }
})
