/**
 * Whole calls on a real Open vSwitch, against ovs-vsctl and host-local in a shell script: in sequence, on a full node,
 * many at once, with a tenth of a processor. Memory, and the parts of the time.
 */
import { mkdirSync } from "node:fs"
import { Effect } from "effect"
import { busyBridge } from "../../test/e2e/support/BusyBridge.ts"
import { CniNode, newContainerId, type Sandbox } from "../../test/e2e/support/CniNode.ts"
import { executable, type Need, pluginDirectory } from "../../test/e2e/support/Machine.ts"
import { cleanEnvironment } from "../../test/e2e/support/Program.ts"
import { called, demand, pair, rounds, say, short, warmUp } from "./Calls.ts"
import { burst, withQuota } from "./Crowd.ts"
import { amount, type Chapter, type Figure, median, ratio, samples } from "./Figures.ts"
import * as ManyPorts from "./ManyPorts.ts"
import { type Process, peakMemory } from "./Runs.ts"
import { addTimes, noTimes, type Parts } from "./Spans.ts"

export const needed: ReadonlyArray<Need> = ["root", "executable", "ovs", "hostLocal", "time"]

const memoryRounds = 5
const bars = {
  version: 3,
  add: 1,
  del: 0.5,
  memoryMiB: 40,
  full: 1.1,
  burst: 0.6,
  worst: 3,
  quotaMillis: 1000
} as const
const [few, many] = [10, 500]
const script = "ovs-vsctl and host-local in sh"
const yardstick = `${import.meta.dirname}/ovs-vsctl-cni`

const parts: Parts = [
  ["start", ["start"]],
  ["record", ["write the record"]],
  ["connect", ["Sockets.connect"]],
  ["look", ["inspect the switch"]],
  ["transact", ["OvsClient.addPort"]],
  ["ovs-vswitchd", ["OvsClient.applied"]],
  ["IPAM, beside", ["get addresses"]],
  ["files", ["prepare the shared directory", "publish the container config"]]
]

const measure = Effect.gen(function* () {
  const node = yield* CniNode
  const { netns } = yield* node.sandbox
  yield* busyBridge
  const ourNetwork = node.network
  const theirNetwork = { ...node.network, name: "yardstick" }
  const pod = (): Sandbox => ({ containerId: newContainerId(), netns, ifName: "net1" })

  /** Our DEL leaves work for ovs-vswitchd, which would delay the next call. */
  const caughtUp = () => {
    const { socket } = ourNetwork.host
    const change = `external_ids:bench=${newContainerId()}`
    demand({
      command: ["/usr/bin/ovs-vsctl", "-t", "10", `--db=unix:${socket}`, "set", "Open_vSwitch", ".", change],
      env: cleanEnvironment,
      stdin: ""
    })
  }

  const version = samples()
  const hostLocals = samples()
  const nothing = { containerId: "", netns: "", ifName: "" }
  const asked = { ...called(executable, "VERSION", nothing, {}), stdin: '{"cniVersion":"1.0.0"}' }
  const ovsVersion: Process = { command: ["/usr/bin/ovs-vsctl", "--version"], env: cleanEnvironment, stdin: "" }
  const hostLocal = `${pluginDirectory}/host-local`
  for (let round = 0; round < rounds + warmUp; round++) {
    const ours = () => demand(asked)
    pair(version, round, ours, () => demand(ovsVersion))
    const alone = pod()
    pair(hostLocals, round, ours, () => demand(called(hostLocal, "ADD", alone, theirNetwork)))
    demand(called(hostLocal, "DEL", alone, theirNetwork))
  }

  const [add, del, eager] = [samples(), samples(), samples()]
  for (let round = 0; round < rounds + warmUp; round++) {
    const [mine, other, third] = [pod(), pod(), pod()]
    const on = (program: string, verb: string, sandbox: Sandbox, network: object, more = {}) => {
      const wanted = called(program, verb, sandbox, network, more)
      return () => demand(wanted)
    }
    pair(add, round, on(executable, "ADD", mine, ourNetwork), on(yardstick, "ADD", other, theirNetwork), caughtUp)
    pair(del, round, on(executable, "DEL", mine, ourNetwork), on(yardstick, "DEL", other, theirNetwork), caughtUp)
    on(executable, "ADD", mine, ourNetwork)()
    on(yardstick, "ADD", third, theirNetwork)()
    const noWait = on(yardstick, "DEL", third, theirNetwork, { YARDSTICK_NO_WAIT: "1" })
    pair(eager, round, on(executable, "DEL", mine, ourNetwork), noWait, caughtUp)
  }

  const peaks: Array<number> = []
  const times = noTimes(parts)
  for (let round = 0; round < Math.max(memoryRounds, rounds); round++) {
    const sandbox = pod()
    const adding = called(executable, "ADD", sandbox, ourNetwork)
    if (round < memoryRounds) peaks.push(peakMemory(adding, `${node.directory}/peak`) / 1024)
    else {
      const debugging = { ...ourNetwork, logLevel: "debug", logFormat: "json" }
      addTimes(times, parts, demand(called(executable, "ADD", sandbox, debugging)))
    }
    demand(called(executable, "DEL", sandbox, ourNetwork))
  }

  const pods = Array.from({ length: 50 }, pod)
  const nth = (index: number) => pods[index] ?? nothing
  const crowd = yield* burst(
    (verb, index) => called(executable, verb, nth(index), ourNetwork),
    (verb, index) => called(yardstick, verb, nth(index), theirNetwork),
    bars
  )
  const lone = pod()
  const slow = yield* withQuota(
    () => called(executable, "ADD", lone, ourNetwork),
    () => called(executable, "DEL", lone, ourNetwork),
    bars.quotaMillis
  )
  if (slow === undefined) say("no control group can be made here: ADD with a tenth of a processor is not measured")
  const full = yield* measureFull(pod, ourNetwork, theirNetwork)

  const figures: ReadonlyArray<Figure> = [
    ratio("VERSION", version, "ovs-vsctl --version"),
    ratio("VERSION", hostLocals, "one ADD of host-local", bars.version),
    ratio("ADD", add, script, bars.add),
    ratio("DEL", del, script, bars.del),
    ratio("DEL", eager, "the same with ovs-vsctl --no-wait"),
    amount("peak memory of ADD", peaks, "MiB", bars.memoryMiB),
    ...full,
    ...crowd,
    ...(slow === undefined ? [] : [slow])
  ]
  return {
    title: "Open vSwitch",
    figures,
    times,
    beside: [[script, median(add.theirs)]]
  } satisfies Chapter
})

/** CPU milliseconds of an ADD with few attachments on the node and with many, in alternating blocks. */
const measureFull = Effect.fnUntraced(function* (pod: () => Sandbox, ourNetwork: object, theirNetwork: object) {
  const node = yield* CniNode
  const { bridge, socket } = node.network.host
  const [ours, theirs] = [samples(), samples()]
  const block = (full: boolean) => {
    for (let round = 0; round < rounds / 2 + warmUp; round++) {
      for (const [program, network, into] of [
        [executable, ourNetwork, ours],
        [yardstick, theirNetwork, theirs]
      ] as const) {
        const sandbox = pod()
        const { cpuMillis } = demand(called(program, "ADD", sandbox, network))
        demand(called(program, "DEL", sandbox, network))
        if (round >= warmUp) (full ? into.ours : into.theirs).push(cpuMillis)
      }
    }
  }
  const directory = `${node.directory}/many`
  mkdirSync(directory)
  const on = [socket, bridge.bridgeName, directory] as const
  yield* ManyPorts.fill(...on, 0, few)
  for (let turn = 0; turn < (short ? 1 : 2); turn++) {
    block(false)
    yield* ManyPorts.fill(...on, few, many)
    block(true)
    yield* ManyPorts.empty(socket, directory, few, many)
  }
  yield* ManyPorts.empty(socket, directory, 0, few)
  return [
    ratio(`CPU of ADD, ${many} attachments`, ours, `the same with ${few}`, bars.full),
    ratio("the script, likewise", theirs, `the same with ${few}`)
  ]
})

export const bench = Effect.map(Effect.scoped(Effect.provide(measure, CniNode.layer)), (chapter) => [chapter])
