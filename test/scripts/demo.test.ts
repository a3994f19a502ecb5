/** `make demo` is the first command of a newcomer: it succeeds, and has no colours without a terminal. */
import { spawnSync } from "node:child_process"
import { assert, it } from "@effect/vitest"

const demo = (ENGINE: string) =>
  spawnSync(process.execPath, ["scripts/demo.ts"], { encoding: "utf8", env: { ...process.env, ENGINE } })

const engines = [
  ["ovs", "on the switch (ovs-vsctl show)", "ok switch, files and addresses are as before step 2", 75],
  // Its example is longer.
  [
    "vpp",
    "on VPP (vppctl show interface, memif, bridge-domain)",
    "ok VPP, files and addresses are as before step 2",
    95
  ]
] as const

it.each(engines)("the demonstration on %s shows what it claims", (engine, look, end, lines) => {
  const { status, stderr, stdout } = demo(engine)
  assert.strictEqual(stderr, "")
  assert.strictEqual(status, 0)
  assert.include(stdout, look)
  assert.include(stdout, 'undid "plug the port"')
  assert.include(stdout, end)
  assert.notInclude(stdout, "\x1b[")
  // A screen and a half.
  assert.isBelow(stdout.split("\n").length, lines)
})

it("refuses an unknown engine", () => {
  const { status, stderr } = demo("snabb")
  assert.strictEqual(status, 1)
  assert.include(stderr, "ENGINE is ovs or vpp, not snabb")
})
