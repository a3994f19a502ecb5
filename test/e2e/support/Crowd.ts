/**
 * Many concurrent calls of plugins. A shell starts them, because it forks in a millisecond: Node takes a hundred times
 * as long on a busy machine, and the first calls would end before the last begin.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { Effect } from "effect"
import * as Plugin from "./Plugin.ts"
import { ProgramError, succeed } from "./Program.ts"

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const line = (call: Plugin.Call, place: string): string => {
  const environment = Object.entries(Plugin.environmentOf(call)).map(([name, value]) => quoted(`${name}=${value}`))
  const stdin = typeof call.stdin === "string" ? call.stdin : ""
  const run = `env -i ${environment.join(" ")} ${quoted(call.plugin)} >${place}.out 2>${place}.err`
  return `{ printf %s ${quoted(stdin)} | ${run}; echo $? >${place}.status; } &`
}

/** Their answers, in order. */
export const callAll = Effect.fn("Crowd.callAll")(function* (calls: ReadonlyArray<Plugin.Call>) {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(`${tmpdir()}/crowd-`)),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
  )
  const script = [...calls.map((call, index) => line(call, `${directory}/${index}`)), "wait"].join("\n")
  const began = performance.now()
  yield* succeed("sh", ["-s"], { stdin: script, deadline: "3 minutes" })
  const millis = performance.now() - began
  return yield* Effect.forEach(calls, ({ verb }, index) =>
    Effect.flatMap(
      Effect.try({
        try: () => ["status", "out", "err"].map((kind) => readFileSync(`${directory}/${index}.${kind}`, "utf8")),
        catch: (cause) => new ProgramError({ program: verb, problem: String(cause) })
      }),
      ([status, stdout = "", stderr = ""]) =>
        Plugin.judge(verb, { status: Number(status), signal: null, stdout, stderr, millis })
    )
  )
}, Effect.scoped)
