/** The file system of a process of many calls behaves like that of a process of one: on Node and on bun. */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import * as AsyncFiles from "../../../src/platform/async/AsyncFiles.ts"
import { Files } from "../../../src/platform/Files.ts"
import { filesHeld } from "../../suites/FilesHeldSuite.ts"
import { filesNames } from "../../suites/FilesNamesSuite.ts"
import { FilesSite } from "../../suites/FilesSite.ts"
import { files } from "../../suites/FilesSuite.ts"
import { runEach, runUnderBun } from "../../suites/Run.ts"
import * as RealSite from "../support/RealSite.ts"

const real = Layer.merge(AsyncFiles.layer(), Layer.fresh(RealSite.layer))

describe("on Node", () => {
  runEach(real, files, filesNames, filesHeld)

  it.live("reading a pipe without a writer does not block", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      execFileSync("mkfifo", [`${base}/pipe`])
      assert.strictEqual((yield* Effect.flip(files.read(`${base}/pipe`, 10))).code, "EINVAL")
      yield* files.unlink(`${base}/pipe`)
    }).pipe(Effect.provide(real))
  )

  it.live("an operation that began completes despite an interruption, and nothing stays open", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const open = () => Fs.readdirSync("/proc/self/fd").filter((fd) => isBelow(`/proc/self/fd/${fd}`, base))
      for (let n = 0; n < 20; n++) {
        const creating = yield* Effect.forkChild(files.create(`${base}/file${n}`, "content", 0o600), {
          startImmediately: true
        })
        yield* Fiber.interrupt(creating)
        assert.strictEqual(Fs.readFileSync(`${base}/file${n}`, "utf8"), "content")
      }
      assert.deepStrictEqual(open(), [])
    }).pipe(Effect.provide(real))
  )
})

const isBelow = (link: string, directory: string) => Fs.existsSync(link) && Fs.readlinkSync(link).startsWith(directory)

runUnderBun("platform/support/bun-async-files.ts", [files, filesNames, filesHeld])
