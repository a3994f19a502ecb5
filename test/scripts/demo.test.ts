/** `make demo` is the first thing that a newcomer runs: it ends well, and without colours where there is no terminal. */
import { spawnSync } from "node:child_process"
import { assert, it } from "@effect/vitest"

it("the demonstration shows what it claims", { timeout: 30_000 }, () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, ["scripts/demo.ts"], { encoding: "utf8" })
  assert.strictEqual(stderr, "")
  assert.strictEqual(status, 0)
  assert.include(stdout, "on the switch (ovs-vsctl show)")
  assert.include(stdout, 'undid "plug the port"')
  assert.include(stdout, "ok switch, files and addresses are as before step 2")
  assert.notInclude(stdout, "\x1b[")
  // A screen and a half.
  assert.isBelow(stdout.split("\n").length, 75)
})
