/**
 * `make bench`: how long a whole call of the executable takes, against public programs that do the same in the same run.
 * Runs of both sides alternate, so that a busy machine slows both; medians, ratios, and a bar for each. Exit status 1
 * when a bar is missed. Where it cannot run it says so and measures nothing.
 */
import { readFileSync } from "node:fs"
import { loadavg } from "node:os"
import { Effect, Schema } from "effect"
import { CniNode, newContainerId, type Sandbox } from "../test/e2e/support/CniNode.ts"
import { executable, missing, pluginDirectory } from "../test/e2e/support/Machine.ts"
import { cleanEnvironment } from "../test/e2e/support/Program.ts"
import { median, type Process, peakMemory, type Run, run } from "./bench/Runs.ts"

const rounds = Math.max(20, Number(process.env["BENCH_ROUNDS"] ?? 40))
const warmUp = 3
const memoryRounds = 5

const bars = { version: 4, add: 1.3, del: 0.8, memoryMiB: 48 } as const
const yardstick = `${import.meta.dirname}/bench/ovs-vsctl-cni`

const say = (line: string) => process.stdout.write(`${line}\n`)

const called = (program: string, verb: string, sandbox: Sandbox, network: object, more = {}): Process => ({
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

const demand = (process: Process): Run => {
  const ran = run(process)
  if (ran.status === 0) return ran
  throw new Error(`${process.command[0]} ${process.env["CNI_COMMAND"]} failed: ${ran.stdout}${ran.stderr}`)
}

interface Samples {
  readonly ours: Array<number>
  readonly theirs: Array<number>
}
const samples = (): Samples => ({ ours: [], theirs: [] })

/** Who goes first alternates as well. */
const pair = (into: Samples, round: number, ours: () => Run, theirs: () => Run): void => {
  const first = round % 2 === 0
  const [a, b] = first ? [ours(), theirs()] : [theirs(), ours()]
  if (round < warmUp) return
  into.ours.push((first ? a : b).millis)
  into.theirs.push((first ? b : a).millis)
}

const report = (what: string, { ours, theirs }: Samples, against: string, bar?: number): boolean => {
  const [mine, other] = [median(ours), median(theirs)]
  const ratio = mine / other
  const missed = bar !== undefined && ratio > bar
  const verdict = bar === undefined ? "" : `at most ${bar.toFixed(1)}   ${missed ? "MISSED" : "met"}`
  const times = `${mine.toFixed(1).padStart(7)} ms ${other.toFixed(1).padStart(7)} ms`
  say(`${what.padEnd(9)}${times}  ${against.padEnd(34)}${ratio.toFixed(2).padStart(6)}   ${verdict}`)
  return missed
}

/** What a reader asks about, and the spans in the log that answer it. */
const parts: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["start", ["start"]],
  ["decode, judge", []],
  ["record", ["write the record"]],
  ["connect", ["Sockets.connect"]],
  ["look", ["look at the switch"]],
  ["transact", ["OvsClient.addPort"]],
  ["ovs-vswitchd", ["OvsClient.settle"]],
  ["IPAM, beside", ["get addresses"]],
  ["files", ["prepare the shared directory", "tell the container"]],
  ["all of it", []]
]

const SpanLine = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ span: Schema.String, ms: Schema.NumberFromString }))
)

/** Milliseconds of each part of one ADD, from its own log at debug level. */
const partsOf = ({ stderr }: Run): ReadonlyMap<string, number> => {
  const spans = new Map<string, number>()
  for (const line of stderr.split("\n")) {
    const read = SpanLine(line)
    if (read._tag === "Some") spans.set(read.value.span, (spans.get(read.value.span) ?? 0) + read.value.ms)
  }
  const of = (names: ReadonlyArray<string>) => names.reduce((sum, name) => sum + (spans.get(name) ?? Number.NaN), 0)
  const total = Number(/ADD took ([\d.]+) ms/.exec(stderr)?.[1])
  const known = new Map(parts.map(([part, names]) => [part, of(names)]))
  return known.set("decode, judge", total - of(["start", "ADD"])).set("all of it", total)
}

const measure = Effect.gen(function* () {
  const node = yield* CniNode
  const { netns } = yield* node.sandbox
  const bridge = node.network.host.bridge.bridgeName
  // Removing the last vhost port of a switch takes it a second, so one stays.
  yield* node.vsctl(
    ...["add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev"],
    ...["--", "add-port", bridge, "stays", "--", "set", "Interface", "stays", "type=dpdkvhostuserclient"],
    `options:vhost-server-path=${node.directory}/stays`
  )
  const ourNetwork = node.network
  const theirNetwork = { ...node.network, name: "yardstick" }
  const pod = (): Sandbox => ({ containerId: newContainerId(), netns, ifName: "net1" })

  const version = samples()
  const nothing = { containerId: "", netns: "", ifName: "" }
  const asked = { ...called(executable, "VERSION", nothing, {}), stdin: '{"cniVersion":"1.0.0"}' }
  const ovsVersion: Process = { command: ["/usr/bin/ovs-vsctl", "--version"], env: cleanEnvironment, stdin: "" }
  for (let round = 0; round < rounds + warmUp; round++) {
    pair(
      version,
      round,
      () => demand(asked),
      () => demand(ovsVersion)
    )
  }

  const [add, del, eager] = [samples(), samples(), samples()]
  for (let round = 0; round < rounds + warmUp; round++) {
    const [mine, other, third] = [pod(), pod(), pod()]
    const on = (program: string, verb: string, sandbox: Sandbox, network: object, more = {}) => {
      const wanted = called(program, verb, sandbox, network, more)
      return () => demand(wanted)
    }
    pair(add, round, on(executable, "ADD", mine, ourNetwork), on(yardstick, "ADD", other, theirNetwork))
    pair(del, round, on(executable, "DEL", mine, ourNetwork), on(yardstick, "DEL", other, theirNetwork))
    on(executable, "ADD", mine, ourNetwork)()
    on(yardstick, "ADD", third, theirNetwork)()
    const noWait = on(yardstick, "DEL", third, theirNetwork, { YARDSTICK_NO_WAIT: "1" })
    pair(eager, round, on(executable, "DEL", mine, ourNetwork), noWait)
  }

  const peaks: Array<number> = []
  const times = new Map<string, Array<number>>(parts.map(([part]) => [part, []]))
  for (let round = 0; round < Math.max(memoryRounds, rounds); round++) {
    const sandbox = pod()
    const adding = called(executable, "ADD", sandbox, ourNetwork)
    if (round < memoryRounds) peaks.push(peakMemory(adding, `${node.directory}/peak`))
    else {
      const debugging = { ...ourNetwork, logLevel: "debug", logFormat: "json" }
      const ran = demand(called(executable, "ADD", sandbox, debugging))
      for (const [part, ms] of partsOf(ran)) times.get(part)?.push(ms)
    }
    demand(called(executable, "DEL", sandbox, ourNetwork))
  }
  return { version, add, del, eager, peaks, times }
})

const cpu = /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? process.arch

const main = Effect.gen(function* () {
  const absent = missing(["root", "executable", "ovs", "hostLocal", "time"])
  if (absent.length > 0) {
    say(`bench skipped: ${absent.join("; ")}`)
    return
  }
  const [busy = 0] = loadavg()
  const { add, del, eager, peaks, times, version } = yield* Effect.scoped(Effect.provide(measure, CniNode.layer))

  say(`${rounds} runs of each, alternating; medians of whole processes; ${navigator.hardwareConcurrency} x ${cpu}`)
  say(
    `load average ${busy.toFixed(1)} before it began${busy > 0.5 ? ": a busy machine slows computing more than waiting" : ""}`
  )
  say(`          userspace  yardstick${" ".repeat(34)}ratio   bar`)
  const missed = [
    report("VERSION", version, "ovs-vsctl --version", bars.version),
    report("ADD", add, "ovs-vsctl and host-local in sh", bars.add),
    report("DEL", del, "ovs-vsctl and host-local in sh", bars.del)
  ]
  report("DEL", eager, "the same with ovs-vsctl --no-wait")
  const peak = median(peaks) / 1024
  const heavy = peak > bars.memoryMiB
  say(`peak memory of ADD ${peak.toFixed(1)} MiB, at most ${bars.memoryMiB}   ${heavy ? "MISSED" : "met"}`)
  say("where ADD's time goes, as its log says (medians; start: until the program runs; a look connects first):")
  for (const [part, values] of times) say(`${part.padEnd(14)}${median(values).toFixed(1).padStart(6)} ms`)
  if (heavy || missed.includes(true)) process.exitCode = 1
})

await Effect.runPromise(main)
