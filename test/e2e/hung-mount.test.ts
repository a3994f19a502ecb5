/**
 * A hanging mount blocks only its own users in a process of many calls, and only for a limited time. The mount is a
 * file system in user space whose server does not answer.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { cleanEnvironment, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

const bun = join(import.meta.dirname, "../../node_modules/.bin/bun")

onMachine(["root", "fuse"], Layer.empty)("a mount that hangs", (test) => {
  test("times out, is not used again until it answers, and delays nobody else", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync("/tmp/hung-")),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const program = join(import.meta.dirname, "one-process/hung-mount.ts")
      const seen = JSON.parse(
        yield* succeed("unshare", ["--mount", bun, program, directory], {
          env: { ...cleanEnvironment, UV_THREADPOOL_SIZE: "16" }
        })
      )
      assert.deepStrictEqual(seen, {
        order: ["elsewhere: done", "there: ETIMEDOUT", "there: ETIMEDOUT", "there: ETIMEDOUT"],
        next: "ETIMEDOUT",
        namespace: "unreadable",
        after: "ENOTCONN"
      })
    }))
})
