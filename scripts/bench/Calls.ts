/** Calls of a plugin as a runtime makes them, two sides by turns, and the lines that `make bench` prints about them. */
import type { Sandbox } from "../../test/e2e/support/CniNode.ts"
import { pluginDirectory } from "../../test/e2e/support/Machine.ts"
import { cleanEnvironment } from "../../test/e2e/support/Program.ts"
import { median, type Process, type Run, run } from "./Runs.ts"

export const rounds = Math.max(20, Number(process.env["BENCH_ROUNDS"] ?? 40))
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

export interface Samples {
  readonly ours: Array<number>
  readonly theirs: Array<number>
}
export const samples = (): Samples => ({ ours: [], theirs: [] })

/** Who goes first alternates as well. */
export const pair = (into: Samples, round: number, ours: () => Run, theirs: () => Run): void => {
  const first = round % 2 === 0
  const [a, b] = first ? [ours(), theirs()] : [theirs(), ours()]
  if (round < warmUp) return
  into.ours.push((first ? a : b).millis)
  into.theirs.push((first ? b : a).millis)
}

/** Says how a figure stands to its bar. True: missed. */
export const judge = (line: string, value: number, bar?: number): boolean => {
  const missed = bar !== undefined && !(value <= bar)
  say(bar === undefined ? line : `${line}   at most ${bar}   ${missed ? "MISSED" : "met"}`)
  return missed
}

/** One line with both medians and their ratio. True: the bar is missed. */
export const report = (what: string, { ours, theirs }: Samples, against: string, bar?: number): boolean => {
  const [mine, other] = [median(ours), median(theirs)]
  const times = `${mine.toFixed(1).padStart(7)} ms ${other.toFixed(1).padStart(7)} ms`
  const line = `${what.padEnd(9)}${times}  ${against.padEnd(34)}${(mine / other).toFixed(2).padStart(6)}`
  return judge(line, mine / other, bar)
}
