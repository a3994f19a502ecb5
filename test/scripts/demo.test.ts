/** `make demo` is the first command of a newcomer: it succeeds, and has no colours without a terminal. */
import { spawnSync } from "node:child_process"
import { assert, it } from "@effect/vitest"
import { missing, vppPrefixes } from "../e2e/support/Machine.ts"

const demo = (ENGINE: string, VPP_PREFIX = "") =>
  spawnSync(process.execPath, ["scripts/demo.ts"], { encoding: "utf8", env: { ...process.env, ENGINE, VPP_PREFIX } })

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

type Row = readonly [engine: string, look: string, end: string, lines: number]

const shows = ([engine, look, end, lines]: Row, prefix?: string) => {
  const { status, stderr, stdout } = demo(engine, prefix)
  assert.strictEqual(stderr, "")
  assert.strictEqual(status, 0)
  assert.include(stdout, look)
  assert.include(stdout, 'undid "plug the port"')
  assert.include(stdout, end)
  assert.notInclude(stdout, "\x1b[")
  // A screen and a half.
  assert.isBelow(stdout.split("\n").length, lines)
  return stdout
}

it.each(engines)("the demonstration on %s shows what it claims", (...row) => {
  assert.include(shows(row), "o root needed")
})

const [prefix = ""] = vppPrefixes
const absent = missing(["root", "vpp"])

it.skipIf(absent.length > 0)(`the demonstration shows the same on a real VPP ${absent}`, { timeout: 60_000 }, () => {
  assert.include(shows(engines[1], prefix), `VPP is that of ${prefix}`)
})

it("refuses an unknown engine", () => {
  const { status, stderr } = demo("snabb")
  assert.strictEqual(status, 1)
  assert.include(stderr, "ENGINE is ovs or vpp, not snabb")
})
