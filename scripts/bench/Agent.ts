/**
 * The agent as a third side: the same calls by their own processes, through the agent, and by the public programs, in
 * turn. CPU is that of a call and of the agent together, with the programs that both have waited for. Memory of eight
 * ADDs at once is that of a control group, where one can be created.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs"
import { Effect, Option } from "effect"
import { type Agent, agent } from "../../test/e2e/support/Agent.ts"
import { busyBridge } from "../../test/e2e/support/BusyBridge.ts"
import { CniNode, newContainerId, type Sandbox, sandbox } from "../../test/e2e/support/CniNode.ts"
import { executable, type Need, pluginDirectory } from "../../test/e2e/support/Machine.ts"
import { called, demand, rounds, say, short, warmUp } from "./Calls.ts"
import { type Chapter, type Figure, median, ratio, samples, single } from "./Figures.ts"
import { type Process, peakMemory, runAll } from "./Runs.ts"
import { addTimes, noTimes, type Parts } from "./Spans.ts"
import * as Vpp from "./Vpp.ts"

export const needed: ReadonlyArray<Need> = ["root", "executable", "ovs", "hostLocal", "time"]

const bars = {
  ovs: { add: 0.95, del: 0.3 },
  vpp: { add: 5, del: 4 },
  cpu: 0.45,
  peak: 0.55,
  burst: { ADD: 0.8, DEL: 0.3 },
  groupMiB: 30,
  agentMiB: 96
} as const
const manyCalls = short ? 200 : 10_000
const script = "ovs-vsctl and host-local in sh"
const yardstick = `${import.meta.dirname}/ovs-vsctl-cni`
const hostLocal = `${pluginDirectory}/host-local`

const parts: Parts = [
  ["record", ["write the record"]],
  ["look", ["inspect the switch"]],
  ["plug", ["plug the port"]],
  ["IPAM, beside", ["get addresses"]],
  ["files", ["prepare the shared directory", "publish the container config"]]
]

/**
 * CPU time of all its threads, also of ended ones, and of the programs that it has waited for, in milliseconds
 * (utime, stime, cutime, cstime of proc_pid_stat(5), in ticks of 10 ms).
 */
const cpuOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0)
}

const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

type Call = (verb: string, sandbox: Sandbox) => Process

interface Sides {
  readonly own: Call
  readonly through: Call
  /** ADD and DEL of the public programs, for another sandbox. */
  readonly theirs: Call
  readonly pod: () => Sandbox
}

const byTurns = ({ own, pod, theirs, through }: Sides, { running: { pid } }: Agent) => {
  // The agent runs for months: its first calls are not typical.
  for (let calls = 0; calls < (short ? 0 : 100); calls++) {
    const sandbox = pod()
    for (const verb of ["ADD", "DEL"]) demand(through(verb, sandbox))
  }
  const [add, del, against] = [samples(), samples(), samples()]
  const cpu = { own: 0, call: 0, agent: 0 }
  const sides = [own, through, theirs] as const
  for (let round = 0; round < rounds + warmUp; round++) {
    for (let nth = 0; nth < sides.length; nth++) {
      const side = sides[(nth + round) % sides.length] ?? own
      const sandbox = pod()
      const before = cpuOf(pid)
      const added = demand(side("ADD", sandbox))
      const deleted = demand(side("DEL", sandbox))
      if (round < warmUp) continue
      if (side === own) {
        against.theirs.push(added.millis)
        cpu.own += added.cpuMillis + deleted.cpuMillis
      } else if (side === theirs) {
        add.theirs.push(added.millis)
        del.theirs.push(deleted.millis)
      } else {
        add.ours.push(added.millis)
        del.ours.push(deleted.millis)
        against.ours.push(added.millis)
        cpu.call += added.cpuMillis + deleted.cpuMillis
        cpu.agent += cpuOf(pid) - before
      }
    }
  }
  return { add, del, against, cpu }
}

const burst = Effect.fnUntraced(function* ({ pod, theirs, through }: Sides) {
  const size = 50
  const whole = { ADD: samples(), DEL: samples() }
  const pods = Array.from({ length: size }, pod)
  for (let turn = 0; turn < 4; turn++) {
    for (const side of turn % 2 === 0 ? [through, theirs] : [theirs, through]) {
      for (const verb of ["ADD", "DEL"] as const) {
        const began = performance.now()
        yield* runAll(pods.map((sandbox) => side(verb, sandbox)))
        whole[verb][side === through ? "ours" : "theirs"].push(performance.now() - began)
      }
    }
  }
  return (["ADD", "DEL"] as const).map((verb) =>
    ratio(`${size} ${verb}s at once`, whole[verb], `${size} of the script`, bars.burst[verb])
  )
})

const groups = "/sys/fs/cgroup/memory"

/** The peak memory of eight ADDs at once, without the agent; undefined: no group can be created. */
const inGroup = Effect.fnUntraced(function* ({ pod }: Sides, side: Call) {
  if (!existsSync(`${groups}/memory.limit_in_bytes`)) return undefined
  const made = yield* Effect.acquireRelease(
    Effect.option(
      Effect.try(() => {
        const path = `${groups}/userspace-cni-bench-${process.pid}`
        mkdirSync(path)
        return path
      })
    ),
    (made) => Effect.sync(() => Option.map(made, (path) => rmdirSync(path)))
  )
  if (Option.isNone(made)) return undefined
  const entered = `echo $$ >${made.value}/cgroup.procs && exec "$0"`
  const pods = Array.from({ length: 8 }, pod)
  yield* runAll(
    pods.map((sandbox) => {
      const { command, ...rest } = side("ADD", sandbox)
      return { ...rest, command: ["/bin/sh", "-c", entered, ...command] }
    })
  )
  for (const sandbox of pods) demand(side("DEL", sandbox))
  return Number(readFileSync(`${made.value}/memory.max_usage_in_bytes`, "utf8")) / (1 << 20)
}, Effect.scoped)

const measureOvs = Effect.gen(function* () {
  const node = yield* CniNode
  const { netns } = yield* node.sandbox
  yield* busyBridge
  const served = yield* agent(`${node.directory}/agent/agent.sock`)
  const theirNetwork = { ...node.network, name: "yardstick" }
  const sides: Sides = {
    pod: () => ({ containerId: newContainerId(), netns, ifName: "net1" }),
    own: (verb, sandbox) => called(executable, verb, sandbox, node.network, { USERSPACE_AGENT: "off" }),
    through: (verb, sandbox) => called(executable, verb, sandbox, node.network, served.environment),
    theirs: (verb, sandbox) => called(yardstick, verb, sandbox, theirNetwork)
  }
  const { add, against, cpu, del } = byTurns(sides, served)

  const peaks = samples()
  const times = noTimes(parts)
  for (let round = 0; round < Math.max(5, rounds / 2); round++) {
    for (const [side, into] of [
      [sides.through, peaks.ours],
      [sides.own, peaks.theirs]
    ] as const) {
      const sandbox = sides.pod()
      into.push(peakMemory(side("ADD", sandbox), `${node.directory}/peak`) / 1024)
      demand(side("DEL", sandbox))
    }
    const sandbox = sides.pod()
    const debugging = { ...node.network, logLevel: "debug", logFormat: "json" }
    addTimes(times, parts, demand(called(executable, "ADD", sandbox, debugging, served.environment)))
    demand(sides.through("DEL", sandbox))
  }
  const crowd = yield* burst(sides)
  const [group, ownGroup] = [yield* inGroup(sides, sides.through), yield* inGroup(sides, sides.own)]
  if (group === undefined) say("no control group can be made here: memory of 8 ADDs at once is not measured")

  const { pid } = served.running
  for (let calls = rounds * 10; calls < manyCalls; calls += 100) {
    const pods = Array.from({ length: 50 }, sides.pod)
    for (const verb of ["ADD", "DEL"]) yield* runAll(pods.map((sandbox) => sides.through(verb, sandbox)))
  }
  // What the calls leave to do, such as collecting garbage, is not rest.
  yield* Effect.sleep("20 seconds")
  const began = { millis: performance.now(), cpu: cpuOf(pid) }
  yield* Effect.sleep(short ? "10 seconds" : "60 seconds")
  const idle = (100 * (cpuOf(pid) - began.cpu)) / (performance.now() - began.millis)
  const status = yield* Effect.orDie(served.status)

  const perPair = (millis: number) => millis / rounds
  say(
    `CPU of ADD + DEL: ${perPair(cpu.own).toFixed(1)} ms alone; ${perPair(cpu.call).toFixed(1)} the calls and ` +
      `${perPair(cpu.agent).toFixed(1)} the agent, ${status.calls.served} calls served`
  )
  const figures: ReadonlyArray<Figure> = [
    ratio("ADD", add, script, bars.ovs.add),
    ratio("DEL", del, script, bars.ovs.del),
    ratio("ADD", against, "ADD without an agent"),
    single("CPU of ADD and DEL", (cpu.call + cpu.agent) / cpu.own, "", "both without an agent", bars.cpu),
    {
      ...ratio("peak memory of ADD", peaks, "ADD without an agent", bars.peak),
      ours: `${median(peaks.ours).toFixed(1)} MiB`,
      theirs: `${median(peaks.theirs).toFixed(1)} MiB`
    },
    ...crowd,
    ...(group === undefined
      ? []
      : [single("memory of 8 ADDs at once", group, "MiB", `${ownGroup?.toFixed(1)} without an agent`, bars.groupMiB)]),
    single(`the agent after ${status.calls.served} calls`, residentMiB(pid), "MiB", "", bars.agentMiB),
    single("the agent at rest, % of a processor", idle, "", "", 0.5)
  ]
  return { title: "Through the agent, on Open vSwitch", figures, times, beside: [] } satisfies Chapter
})

const measureVpp = Effect.gen(function* () {
  const directory = yield* Vpp.temporary
  const { netns } = yield* sandbox
  const served = yield* agent(`${directory}/agent/agent.sock`)
  const network = { ...Vpp.networkOn(yield* Vpp.typescript, directory), ...Vpp.addressesIn(`${directory}/leases`) }
  const theirNetwork = { ...network, name: "yardstick" }
  const sides: Sides = {
    pod: () => ({ containerId: newContainerId(), netns, ifName: "net1" }),
    own: (verb, sandbox) => called(executable, verb, sandbox, network, { USERSPACE_AGENT: "off" }),
    through: (verb, sandbox) => called(executable, verb, sandbox, network, served.environment),
    theirs: (verb, sandbox) => called(hostLocal, verb, sandbox, theirNetwork)
  }
  const { add, against, cpu, del } = byTurns(sides, served)
  const times = noTimes(parts)
  const debugging = { ...network, logLevel: "debug", logFormat: "json" }
  for (let round = 0; round < Math.max(5, rounds / 2); round++) {
    const sandbox = sides.pod()
    addTimes(times, parts, demand(called(executable, "ADD", sandbox, debugging, served.environment)))
    demand(sides.through("DEL", sandbox))
  }
  const figures: ReadonlyArray<Figure> = [
    ratio("ADD", add, "one ADD of host-local", bars.vpp.add),
    ratio("DEL", { ours: del.ours, theirs: add.theirs }, "one ADD of host-local", bars.vpp.del),
    ratio("ADD", against, "ADD without an agent"),
    single("CPU of ADD and DEL", (cpu.call + cpu.agent) / cpu.own, "", "both without an agent", bars.cpu)
  ]
  return { title: "Through the agent, on the VPP of the tests", figures, times, beside: [] } satisfies Chapter
})

export const bench = Effect.gen(function* () {
  const ovs = yield* Effect.scoped(Effect.provide(measureOvs, CniNode.layer))
  const vpp = yield* Effect.scoped(measureVpp)
  return [ovs, vpp]
})
