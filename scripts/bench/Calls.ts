/** Calls of a plugin as a runtime makes them, and two sides in turn. */
import type { Sandbox } from "../../test/e2e/support/CniNode.ts"
import { pluginDirectory } from "../../test/e2e/support/Machine.ts"
import { cleanEnvironment } from "../../test/e2e/support/Program.ts"
import type { Samples } from "./Figures.ts"
import { type Process, type Run, run } from "./Runs.ts"

/** For CI, on unknown machines: few runs, without bars for times; nothing is written. */
export const short = (process.env["SHORT"] ?? "") !== ""
export const rounds = short ? 8 : Math.max(20, Number(process.env["BENCH_ROUNDS"] ?? 40))
export const warmUp = 3

export const say = (line: string) => process.stdout.write(`${line}\n`)

export const called = (program: string, verb: string, sandbox: Sandbox, network: object, more = {}): Process => ({
  command: [program],
  env: {
    ...cleanEnvironment,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: sandbox.containerId,
    CNI_IFNAME: sandbox.ifName,
    CNI_NETNS: sandbox.netns,
    CNI_PATH: pluginDirectory,
    ...more
  },
  stdin: JSON.stringify(network)
})

export const demand = (process: Process): Run => {
  const ran = run(process)
  if (ran.status === 0) return ran
  throw new Error(`${process.command[0]} ${process.env["CNI_COMMAND"]} failed: ${ran.stdout}${ran.stderr}`)
}

const nothing = () => {}

/** The first side alternates as well. `before` runs before each of them, outside of the measurement. */
export const pair = (into: Samples, round: number, ours: () => Run, theirs: () => Run, before = nothing): void => {
  const first = round % 2 === 0
  const alone = (call: () => Run): Run => {
    before()
    return call()
  }
  const [a, b] = first ? [alone(ours), alone(theirs)] : [alone(theirs), alone(ours)]
  if (round < warmUp) return
  into.ours.push((first ? a : b).millis)
  into.theirs.push((first ? b : a).millis)
}
