/** What bun does before any of our code runs, as docs/security.md and docs/troubleshooting.md describe it. */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { executable } from "./support/Machine.ts"
import { cleanEnvironment, run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

const version = { ...cleanEnvironment, CNI_COMMAND: "VERSION" }

onMachine(["root", "executable"], Layer.empty)("Bun", (test) => {
  const asked = (env: Readonly<Record<string, string>>, ...through: ReadonlyArray<string>) => {
    const [program = executable, ...args] = [...through, executable]
    return run(program, args, { env: { ...version, ...env }, stdin: '{"cniVersion":"1.0.0"}' })
  }

  test("takes options from BUN_OPTIONS", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* asked({ BUN_OPTIONS: "--preload /nowhere.js" })
      assert.deepStrictEqual([status, stdout], [1, ""])
      assert.include(stderr, "error: preload not found")
    }))

  test("is itself with BUN_BE_BUN", () =>
    Effect.gen(function* () {
      const { status, stdout } = yield* asked({ BUN_BE_BUN: "1" })
      assert.strictEqual(status, 0)
      assert.include(stdout, "Usage: bun")
    }))

  test("does neither when env has taken them out", () =>
    Effect.gen(function* () {
      const env = { BUN_OPTIONS: "--preload /nowhere.js", BUN_BE_BUN: "1" }
      const { status, stdout } = yield* asked(env, "env", "-u", "BUN_OPTIONS", "-u", "BUN_BE_BUN")
      assert.strictEqual(status, 0)
      assert.include(stdout, '"cniVersion":"1.0.0"')
    }))

  test("crashes without /proc", () =>
    Effect.gen(function* () {
      // In a container there may be one upon the other.
      const script = 'while umount -l /proc 2>/dev/null; do :; done; "$0"'
      const { status, stderr } = yield* asked({}, "unshare", "--mount", "sh", "-c", script)
      assert.strictEqual(status, 134, stderr)
      assert.include(stderr, "Bun has crashed")
    }))
})
