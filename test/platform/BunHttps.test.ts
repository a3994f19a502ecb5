/** bun runs the suite, since its `fetch` exists nowhere else; here each of its verdicts becomes a test. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { cases } from "../suites/HttpsSuite.ts"
import { type Ports, ports } from "./support/HttpsPeer.ts"

const Verdict = Schema.fromJsonString(Schema.Struct({ name: Schema.String, failure: Schema.NullOr(Schema.String) }))

const bun = join(import.meta.dirname, "../../node_modules/.bin/bun")
const program = join(import.meta.dirname, "support/bun-https.ts")

const outputOf = (servers: Ports) =>
  Effect.callback<{ readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = spawn(bun, [program, JSON.stringify(servers)], { timeout: 120_000 })
    const [stdout, stderr]: [Array<Buffer>, Array<Buffer>] = [[], []]
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
    child.on("close", () => resume(Effect.succeed({ stdout: String(Buffer.concat(stdout)), stderr: String(stderr) })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

class Verdicts extends Context.Service<Verdicts, (name: string) => string | null>()("Verdicts") {
  static readonly layer = Layer.effect(
    Verdicts,
    Effect.gen(function* () {
      const { stderr, stdout } = yield* Effect.flatMap(ports, outputOf)
      const lines = stdout.split("\n").filter((line) => line !== "")
      const read = lines.map((line) => Schema.decodeUnknownSync(Verdict)(line))
      const verdicts = new Map(read.map(({ failure, name }) => [name, failure]))
      return (name) => verdicts.get(name) ?? (verdicts.has(name) ? null : `did not run: ${stderr}`)
    })
  )
}

layer(Verdicts.layer, { excludeTestServices: true, timeout: "60 seconds" })("on bun", (it) => {
  for (const { name } of cases) {
    it.effect(name, () => Effect.map(Verdicts, (verdict) => assert.isNull(verdict(name))))
  }
})
