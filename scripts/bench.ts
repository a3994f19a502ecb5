/**
 * `make bench`: measures whole calls of the executable against public programs in the same run. Runs of both sides alternate, so that a busy machine slows both. Reports medians, ratios, and a bar for each; exit status 1 when a bar is missed by more than the variation of the run. `make bench ONLY=vpp` (or `ovs`, `agent`) measures one of them. `SHORT=1` is for CI: everything must work and memory be near its bar, while times are only printed. Whole runs write `docs/benchmarks.md` and its chart. Where it cannot run it says so and measures nothing.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { loadavg } from "node:os"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect } from "effect"
import { missing } from "../test/e2e/support/Machine.ts"
import * as Agent from "./bench/Agent.ts"
import { rounds, say, short } from "./bench/Calls.ts"
import { chart } from "./bench/Chart.ts"
import { type Chapter, type Figure, median, outgrown, shownValue, verdict } from "./bench/Figures.ts"
import * as Ovs from "./bench/Ovs.ts"
import { page } from "./bench/Page.ts"
import * as Vpp from "./bench/Vpp.ts"

const all = { ovs: Ovs, vpp: Vpp, agent: Agent }
const only = process.env["ONLY"] ?? ""
const chosen = Object.entries(all).filter(([name]) => only === "" || name === only)

const cpu = /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? process.arch
const versionOf = (program: string): string =>
  spawnSync(program, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0] ?? "not there"

const missed = (figure: Figure): boolean => verdict(figure) === "MISSED"

/** Prints a chapter; true: a bar is missed. */
const tell = ({ figures, times, title }: Chapter): boolean => {
  say(`\n${title}: userspace against${" ".repeat(Math.max(1, 60 - title.length))}ratio   at most`)
  for (const figure of figures) {
    const { against, bar, noise, ours, theirs, what } = figure
    const left = `${what.padEnd(32)}${ours.padStart(9)} ${theirs.padStart(9)}  ${against.padEnd(34)}`
    const held = bar === undefined ? "" : `   ${bar}   ${verdict(figure)}`
    say(`${left}${shownValue(figure).padStart(9)}${noise === 0 ? "       " : ` ±${noise.toFixed(2)}`.padEnd(7)}${held}`)
  }
  say("where ADD's time goes, as its log says (medians; start: until the program runs; a look connects first):")
  for (const [part, values] of times) say(`${part.padEnd(14)}${median(values).toFixed(1).padStart(6)} ms`)
  return figures.some(short ? outgrown : missed)
}

const main = Effect.gen(function* () {
  if (chosen.length === 0) {
    say(`ONLY=${only} is not ${Object.keys(all).join(" or ")}`)
    process.exitCode = 2
    return
  }
  const [busy = 0] = loadavg()
  const machine = [
    ["Machine", `${navigator.hardwareConcurrency} x ${cpu}`],
    ["Load average before", busy.toFixed(1)],
    ["Open vSwitch", versionOf("/usr/bin/ovs-vsctl")],
    ["bun", Bun.version],
    ["Date", new Date().toISOString().slice(0, 10)],
    ["Runs of each", String(rounds)]
  ] as const
  say(`${rounds} runs of each, alternating; medians of whole processes; ${machine[0][1]}`)
  say(
    `load average ${busy.toFixed(1)} before it began${busy > 0.5 ? ": a busy machine slows computing more than waiting" : ""}`
  )
  const chapters: Array<Chapter> = []
  for (const [name, { bench, needed }] of chosen) {
    const absent = missing(needed)
    if (absent.length > 0) say(`bench of ${name} skipped: ${absent.join("; ")}`)
    else chapters.push(...(yield* bench))
  }
  if (chapters.map(tell).some(Boolean)) process.exitCode = 1
  if (short || only !== "" || chapters.length < 2) return
  writeFileSync("docs/benchmarks.md", page(machine, chapters))
  writeFileSync("docs/images/benchmarks.svg", chart(chapters))
  say("\nwritten: docs/benchmarks.md, docs/images/benchmarks.svg")
})

// An interruption also ends its switches.
NodeRuntime.runMain(main)
