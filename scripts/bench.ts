/**
 * `make bench`: how long a whole call of the executable takes, against public programs in the same run. Runs of both
 * sides alternate, so that a busy machine slows both; medians, ratios, and a bar for each. Exit status 1 when a bar is
 * missed. `make bench ONLY=vpp` (or `ovs`) measures one switch. Where it cannot run it says so and measures nothing.
 */
import { readFileSync } from "node:fs"
import { loadavg } from "node:os"
import { Effect } from "effect"
import { missing } from "../test/e2e/support/Machine.ts"
import { rounds, say } from "./bench/Calls.ts"
import * as Ovs from "./bench/Ovs.ts"
import * as Vpp from "./bench/Vpp.ts"

const all = { ovs: Ovs, vpp: Vpp }
const only = process.env["ONLY"] ?? ""
const chosen = Object.entries(all).filter(([name]) => only === "" || name === only)

const cpu = /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? process.arch

const main = Effect.gen(function* () {
  if (chosen.length === 0) {
    say(`ONLY=${only} is not ${Object.keys(all).join(" or ")}`)
    process.exitCode = 2
    return
  }
  const [busy = 0] = loadavg()
  say(`${rounds} runs of each, alternating; medians of whole processes; ${navigator.hardwareConcurrency} x ${cpu}`)
  say(
    `load average ${busy.toFixed(1)} before it began${busy > 0.5 ? ": a busy machine slows computing more than waiting" : ""}`
  )
  for (const [name, { bench, needed }] of chosen) {
    const absent = missing(needed)
    if (absent.length > 0) say(`bench of ${name} skipped: ${absent.join("; ")}`)
    else if ((yield* bench) > 0) process.exitCode = 1
  }
})

await Effect.runPromise(main)
