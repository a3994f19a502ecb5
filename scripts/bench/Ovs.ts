/** Whole calls on a real Open vSwitch, against ovs-vsctl and host-local in a shell script. Memory, and where time goes. */
import { Effect } from "effect"
import { CniNode, newContainerId, type Sandbox } from "../../test/e2e/support/CniNode.ts"
import { executable, type Need } from "../../test/e2e/support/Machine.ts"
import { cleanEnvironment } from "../../test/e2e/support/Program.ts"
import { called, demand, judge, pair, report, rounds, samples, say, warmUp } from "./Calls.ts"
import { median, type Process, peakMemory } from "./Runs.ts"
import { addTimes, noTimes, type Parts, sayTimes } from "./Spans.ts"

export const needed: ReadonlyArray<Need> = ["root", "executable", "ovs", "hostLocal", "time"]

const memoryRounds = 5
const bars = { version: 4, add: 1.3, del: 0.8, memoryMiB: 48 } as const
const yardstick = `${import.meta.dirname}/ovs-vsctl-cni`

const parts: Parts = [
  ["start", ["start"]],
  ["record", ["write the record"]],
  ["connect", ["Sockets.connect"]],
  ["look", ["look at the switch"]],
  ["transact", ["OvsClient.addPort"]],
  ["ovs-vswitchd", ["OvsClient.settle"]],
  ["IPAM, beside", ["get addresses"]],
  ["files", ["prepare the shared directory", "tell the container"]]
]

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
  const times = noTimes(parts)
  for (let round = 0; round < Math.max(memoryRounds, rounds); round++) {
    const sandbox = pod()
    const adding = called(executable, "ADD", sandbox, ourNetwork)
    if (round < memoryRounds) peaks.push(peakMemory(adding, `${node.directory}/peak`))
    else {
      const debugging = { ...ourNetwork, logLevel: "debug", logFormat: "json" }
      addTimes(times, parts, demand(called(executable, "ADD", sandbox, debugging)))
    }
    demand(called(executable, "DEL", sandbox, ourNetwork))
  }
  return { version, add, del, eager, peaks, times }
})

/** How many bars are missed. */
export const bench = Effect.gen(function* () {
  const { add, del, eager, peaks, times, version } = yield* Effect.scoped(Effect.provide(measure, CniNode.layer))
  say(`\nOpen vSwitch: userspace against${" ".repeat(34)}ratio   bar`)
  const missed = [
    report("VERSION", version, "ovs-vsctl --version", bars.version),
    report("ADD", add, "ovs-vsctl and host-local in sh", bars.add),
    report("DEL", del, "ovs-vsctl and host-local in sh", bars.del),
    report("DEL", eager, "the same with ovs-vsctl --no-wait")
  ]
  const peak = median(peaks) / 1024
  missed.push(judge(`peak memory of ADD ${peak.toFixed(1)} MiB`, peak, bars.memoryMiB))
  sayTimes(times)
  return missed.filter(Boolean).length
})
