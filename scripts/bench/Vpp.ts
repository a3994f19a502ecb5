/**
 * Whole calls on VPP, against host-local alone, which is the least that any plugin with addresses costs; and the cost
 * of an ADD with many ports on the switch.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { basename } from "node:path"
import { Effect, Schedule } from "effect"
import { newContainerId, type Sandbox, sandbox } from "../../test/e2e/support/CniNode.ts"
import { executable, type Need, pluginDirectory, vppPrefixes } from "../../test/e2e/support/Machine.ts"
import { ProgramError, start } from "../../test/e2e/support/Program.ts"
import { instance } from "../../test/e2e/support/VppInstance.ts"
import { called, demand, rounds, say, warmUp } from "./Calls.ts"
import { amount, type Chapter, median, ratio, samples } from "./Figures.ts"
import { empty, fill } from "./ManyMemifs.ts"
import { addTimes, noTimes, type Parts } from "./Spans.ts"

export const needed: ReadonlyArray<Need> = ["root", "executable", "hostLocal"]

const bars = { add: 7, del: 6, callsMillis: 3, full: 1.1 } as const
const [few, many] = [10, 500]
const hostLocal = `${pluginDirectory}/host-local`

/**
 * The calls to VPP are the inspection, with the connection and VPP's hello in it, and the creation of the port. They
 * are measured in an ADD without IPAM, because starting a program beside them delays them.
 */
const calls = ["inspect the switch", "plug the port"]
const parts: Parts = [
  ["start", ["start"]],
  ["record", ["write the record"]],
  ["look at VPP", ["inspect the switch"]],
  ["make the port", ["plug the port"]],
  ["calls to VPP", calls],
  ["files", ["prepare the shared directory", "open the socket", "publish the container config"]]
]

export const temporary = Effect.acquireRelease(
  // Short: a memif path may have 106 bytes.
  Effect.sync(() => mkdtempSync("/tmp/bench-")),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const networkOn = (api: string, directory: string) => ({
  cniVersion: "1.0.0",
  type: "userspace",
  name: "bench",
  sharedDir: `${directory}/shared`,
  stateDir: `${directory}/state`,
  host: {
    engine: "vpp",
    iftype: "memif",
    netType: "bridge",
    socket: api,
    memif: { role: "master", mode: "ethernet" },
    bridge: { bridgeName: "4" }
  }
})

export const addressesIn = (dataDir: string) => ({
  ipam: { type: "host-local", dataDir, ranges: [[{ subnet: "10.57.0.0/16" }]], routes: [{ dst: "0.0.0.0/0" }] }
})

const pods = (netns: string) => (): Sandbox => ({ containerId: newContainerId(), netns, ifName: "net1" })

/** ADD and DEL in turn with host-local's, which runs twice in a row as a reference for the variation. */
const measure = (api: string, directory: string, pod: () => Sandbox) => {
  const ours = { ...networkOn(api, directory), ...addressesIn(`${directory}/leases`) }
  const alone = { ...ours, name: "alone", ...addressesIn(`${directory}/alone`) }
  const [add, del, again] = [samples(), samples(), samples()]
  const times = noTimes(parts)
  for (let round = 0; round < rounds + warmUp; round++) {
    const [mine, first, second] = [pod(), pod(), pod()]
    const timed = (program: string, verb: string, sandbox: Sandbox, network: object) =>
      demand(called(program, verb, sandbox, network)).millis
    const floor = () => [timed(hostLocal, "ADD", first, alone), timed(hostLocal, "ADD", second, alone)] as const
    const before = round % 2 === 0 ? floor() : undefined
    const added = timed(executable, "ADD", mine, ours)
    const [one, other] = before ?? floor()
    const deleted = timed(executable, "DEL", mine, ours)
    for (const sandbox of [first, second]) timed(hostLocal, "DEL", sandbox, alone)

    const debugging = { ...networkOn(api, directory), logLevel: "debug", logFormat: "json" }
    const logged = demand(called(executable, "ADD", mine, debugging))
    timed(executable, "DEL", mine, debugging)
    if (round < warmUp) continue
    add.ours.push(added)
    del.ours.push(deleted)
    for (const { theirs } of [add, del]) theirs.push(one, other)
    again.ours.push(other)
    again.theirs.push(one)
    addTimes(times, parts, logged)
  }
  return { add, again, del, times }
}

/** CPU milliseconds of an ADD without IPAM, with few memifs present and with many, in alternating blocks. */
const measureFull = Effect.fnUntraced(function* (api: string, directory: string, pod: () => Sandbox) {
  const network = networkOn(api, directory)
  const sockets = `${directory}/sockets`
  mkdirSync(sockets)
  const block = (into: Array<number>) => {
    for (let round = 0; round < rounds / 2 + warmUp; round++) {
      const sandbox = pod()
      const { cpuMillis } = demand(called(executable, "ADD", sandbox, network))
      demand(called(executable, "DEL", sandbox, network))
      if (round >= warmUp) into.push(cpuMillis)
    }
  }
  const cost = samples()
  yield* fill(api, sockets, 0, few)
  for (let turn = 0; turn < 2; turn++) {
    block(cost.theirs)
    yield* fill(api, sockets, few, many)
    block(cost.ours)
    yield* empty(api, sockets, few, many)
  }
  return cost
})

const benchOn = Effect.fnUntraced(function* (name: string, api: string) {
  const directory = yield* temporary
  const { netns } = yield* sandbox
  const { add, again, del, times } = measure(api, directory, pods(netns))
  const full = yield* measureFull(api, directory, pods(netns))

  const chapter: Chapter = {
    title: name,
    figures: [
      ratio("ADD", add, "one ADD of host-local", bars.add),
      ratio("DEL", del, "one ADD of host-local", bars.del),
      ratio("floor", again, "host-local again, the one before"),
      ratio(`CPU of ADD, ${many} memifs`, full, `the same with ${few}`, bars.full),
      amount("calls to VPP", times.get("calls to VPP") ?? [], "ms", bars.callsMillis)
    ],
    times,
    beside: [["host-local alone", median(add.theirs)]]
  }
  return chapter
}, Effect.scoped)

/** A separate process, so that its work does not count as ours. */
export const typescript = Effect.gen(function* () {
  const api = `${yield* temporary}/api.sock`
  const node = `${import.meta.dirname}/../../node_modules/.bin/node`
  yield* start(node, [`${import.meta.dirname}/typescript-vpp.ts`, api])
  yield* Effect.suspend(() =>
    existsSync(api) ? Effect.void : new ProgramError({ program: "typescript-vpp.ts", problem: "does not listen" })
  ).pipe(Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 }))
  return api
})

const typescriptVpp = Effect.flatMap(typescript, (api) => benchOn("VPP in TypeScript", api)).pipe(Effect.scoped)

const realVpp = (prefix: string) =>
  Effect.flatMap(instance(prefix), ({ api }) => benchOn(`real VPP ${basename(prefix)}`, api)).pipe(Effect.scoped)

export const bench = Effect.gen(function* () {
  const chapters = [yield* typescriptVpp]
  if (vppPrefixes.length === 0) say("no real VPP: VPP_PREFIX names no installed one")
  for (const prefix of vppPrefixes) chapters.push(yield* realVpp(prefix))
  return chapters
})
