/** The targets under bun, as in the executable: earlier findings, and a few more cases. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"

const bun = join(import.meta.dirname, "../../node_modules/.bin/bun")

it("on bun", () => {
  const { status, stderr, stdout } = spawnSync(bun, [join(import.meta.dirname, "main.ts")], {
    encoding: "utf8",
    env: { ...process.env, FUZZ_RUNS: "10", FUZZ_SECONDS: "0" },
    timeout: 300_000
  })
  assert.strictEqual(stderr, "")
  assert.strictEqual(status, 0)
  assert.match(stdout, /^seed \S+\nconfiguration /)
}, 300_000)
