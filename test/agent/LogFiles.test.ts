/** Log files that many calls of one process write to. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Scope } from "effect"
import * as LogFiles from "../../src/agent/LogFiles.ts"
import { until, untilTrue } from "../support/Until.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "logs-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const opened = (path: string): number =>
  readdirSync("/proc/self/fd").filter((fd) => {
    const link = Effect.runSync(
      Effect.orElseSucceed(
        Effect.try(() => readlinkSync(`/proc/self/fd/${fd}`)),
        () => ""
      )
    )
    return link === path
  }).length

describe("log files of many calls", () => {
  it.live("each is open once, and lines keep the order in which they were written", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "a.log")
      const logs = LogFiles.make()
      const call = (n: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const write = yield* logs.file(path, assert.fail)
            for (const line of ["a", "b", "c"]) write?.(`${n} ${line}\n`)
            yield* logs.written
          })
        )
      const calls = Array.from({ length: 50 }, (_, n) => call(n))
      yield* Effect.all(calls, { concurrency: "unbounded" })
      assert.strictEqual(opened(path), 1)
      const lines = readFileSync(path, "utf8").trimEnd().split("\n")
      assert.strictEqual(lines.length, 150)
      for (let n = 0; n < 50; n++) {
        assert.deepStrictEqual(
          lines.filter((line) => line.startsWith(`${n} `)),
          ["a", "b", "c"].map((line) => `${n} ${line}`)
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live(
    "a file that was moved away gets the remaining lines of calls that use it; the next call opens a new one",
    () =>
      Effect.gen(function* () {
        const path = join(yield* directory, "a.log")
        const logs = LogFiles.make()
        const first = yield* Scope.make()
        const write = yield* Scope.provide(logs.file(path, assert.fail), first)
        write?.("before\n")
        yield* logs.written
        renameSync(path, `${path}.1`)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const next = yield* logs.file(path, assert.fail)
            write?.("still\n")
            next?.("after\n")
            yield* logs.written
          })
        )
        yield* until(
          "both lines",
          Effect.sync(() => readFileSync(`${path}.1`, "utf8")),
          (text) => text === "before\nstill\n"
        )
        assert.strictEqual(readFileSync(path, "utf8"), "after\n")
        yield* Scope.close(first, yield* Effect.exit(Effect.void))
        yield* untilTrue("the file closed", () => opened(`${path}.1`) === 0)
      }).pipe(Effect.scoped)
  )

  it.live("a file that cannot be opened reports why, and delays nobody", () =>
    Effect.gen(function* () {
      const logs = LogFiles.make()
      const said: Array<string> = []
      const write = yield* logs.file("/proc/no/such.log", (answer) => void said.push(answer))
      assert.isUndefined(write)
      assert.match(said.join(), /ENOENT/)
      yield* logs.written
    }).pipe(Effect.scoped)
  )
})
