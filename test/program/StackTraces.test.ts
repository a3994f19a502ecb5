/** Nobody reads the stack traces of a call, and each span would capture one: they are off, and on at debug level. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"

const main = join(import.meta.dirname, "../../src/main.ts")
const preload = join(import.meta.dirname, "support/tell-stack-traces.ts")

/** At the end of a call that is refused before any edge is used. */
const limitAfter = (environment: Readonly<Record<string, string>>, conf: object, ...args: ReadonlyArray<string>) => {
  const { stderr } = spawnSync(process.execPath, ["--import", preload, main, ...args], {
    input: JSON.stringify(conf),
    env: environment,
    encoding: "utf8",
    timeout: 60_000
  })
  return /stackTraceLimit=(.*)/.exec(stderr)?.[1]
}

it.each([
  ["ADD", {}, "0"],
  ["ADD", { logLevel: "info" }, "0"],
  ["VERSION", {}, "0"],
  ["ADD", { logLevel: "debug" }, "10"],
  ["ADD", { logLevel: "verbose" }, "10"]
])("%s with %j: an error has so many frames: %s", (verb, conf, limit) => {
  assert.strictEqual(limitAfter({ CNI_COMMAND: verb }, { cniVersion: "1.0.0", name: "net", ...conf }), limit)
})

it("on the command line, stack traces are Node's default", () => {
  assert.strictEqual(limitAfter({}, {}, "version"), String(Error.stackTraceLimit))
})
