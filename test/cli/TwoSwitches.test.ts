/**
 * Two Open vSwitches and two VPPs on one node in memory, each with attachments of two networks: every command and call
 * that works on several switches in one process uses the right one for each, and changes no other.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { network as base } from "../attachment/support/Networks.ts"
import { failed, World } from "../attachment/support/World.ts"
import { file, type } from "./support/Terminal.ts"

const switches = ["ovs", "other", "vpp", "otherVpp"] as const
type Name = (typeof switches)[number]
type Of = (typeof networks)[number]

const networks = switches.flatMap((on) => [`${on}-1`, `${on}-2`] as const)
const on = (network: string): Name => switches.find((name) => network.startsWith(`${name}-`)) ?? assert.fail(network)

/** The switch that the GC's network names, which need not be that of its attachments. */
const conf = (world: World, network: Of, at: Name = on(network)) => {
  const { peer, path } = { peer: "", path: "", ...world[at] }
  const vpp = {
    engine: "vpp",
    socket: path,
    iftype: "memif",
    netType: "bridge",
    memif: { role: "master" },
    bridge: { bridgeName: "4" }
  }
  const ovs = { ...base.host, socket: peer, bridge: { bridgeName: "br-dpdk0" } }
  const ipam = { type: "host-local", subnet: "10.1.2.0/24" }
  return { ...base, name: network, host: path === "" ? ovs : vpp, ipam }
}

const containerOf = (network: Of) => `c0ffee${networks.indexOf(network)}`
const asked = (world: World, network: Of) => ({
  conf: conf(world, network),
  containerId: containerOf(network),
  netns: `/n/${network}`
})

/** The state of a switch. */
const knows = (world: World, ...names: ReadonlyArray<Name>) => names.map((name) => world[name].dump())
/** VPP gives an interface another one each time. */
const withoutMacs = (world: World) => world.dump().map((line) => line.replaceAll(/"l2_address":"02:fe:[^"]*"/g, ""))
const rest = (...names: ReadonlyArray<Name>) => switches.filter((name) => !names.includes(name))

const node = Effect.fnUntraced(function* () {
  const world = new World()
  const empty = world.dump()
  const gone = new Set<string>()
  world.namespace = (path) => (gone.has(path) ? "missing" : "sandbox")
  for (const network of networks) yield* world.add(asked(world, network))
  const run = (...args: ReadonlyArray<string>) => type({ edges: world.edges() }, args)
  return { world, empty, gone, run }
})

const Listing = Schema.fromJsonString(
  Schema.Struct({
    attachments: Schema.Array(
      Schema.Struct({
        network: Schema.String,
        control: Schema.String,
        port: Schema.NullOr(Schema.String),
        state: Schema.String
      })
    )
  })
)

describe("two switches of each kind", () => {
  it.effect("list: each attachment once, on its own switch", () =>
    Effect.gen(function* () {
      const { run, world } = yield* node()
      const { stderr, stdout, well } = yield* run("list", "--json")
      assert.deepStrictEqual([well, stderr], [true, ""])
      const { attachments } = yield* Schema.decodeUnknownEffect(Listing)(stdout)
      const controls = {
        ovs: world.ovs.peer,
        other: world.other.peer,
        vpp: world.vpp.path,
        otherVpp: world.otherVpp.path
      }
      assert.deepStrictEqual(
        attachments.map(({ control, network }) => [network, control]).sort(),
        networks.map((network) => [network, controls[on(network)]]).sort()
      )
      assert.isTrue(attachments.every(({ port, state }) => port !== null && state !== "missing"))
    })
  )

  it.effect("CHECK: reports the missing port for attachments of the emptied switch, and for no others", () =>
    Effect.gen(function* () {
      const { world } = yield* node()
      for (const network of networks) yield* world.call("CHECK", asked(world, network))
      world.other.empty()
      world.otherVpp.restart()
      for (const network of networks) {
        const call = world.call("CHECK", asked(world, network))
        if (on(network).startsWith("other")) assert.match((yield* failed(call)).msg, /is missing|VPP has no interface/)
        else yield* call
      }
    })
  )

  it.effect("restore: plans and restores each port on the switch that lost it", () =>
    Effect.gen(function* () {
      const { run, world } = yield* node()
      const before = withoutMacs(world)
      world.other.empty()
      world.otherVpp.restart()
      const others = knows(world, "ovs", "vpp")
      const lost = world.dump()
      const plan = yield* run("restore", "--dry-run", "--json")
      assert.deepStrictEqual([plan.well, plan.stderr], [true, ""])
      assert.deepStrictEqual(world.dump(), lost)
      assert.include(plan.stdout, `"socket":"${world.other.peer}"`)
      assert.include(plan.stdout, `"socket":"${world.otherVpp.path}"`)
      assert.notInclude(plan.stdout, `"socket":"${world.ovs.peer}"`)
      assert.notInclude(plan.stdout, `"socket":"${world.vpp.path}"`)

      assert.isTrue((yield* run("restore")).well)
      assert.deepStrictEqual(withoutMacs(world), before)
      assert.deepStrictEqual(knows(world, "ovs", "vpp"), others)
    })
  )

  // The network names the other switch now.
  it.effect.each([
    ["ovs-1", "other"],
    ["other-1", "ovs"],
    ["vpp-1", "otherVpp"],
    ["otherVpp-1", "vpp"],
    ["other-2", "vpp"]
  ] as const)(
    "GC of %s, whose network now names %s: removes the port from the old switch, and nothing else",
    ([of, now]) =>
      Effect.gen(function* () {
        const { world } = yield* node()
        const others = knows(world, ...rest(on(of)))
        const before = world.dump()
        yield* world.call("GC", { conf: { ...conf(world, of, now), "cni.dev/valid-attachments": [] } })
        assert.deepStrictEqual(knows(world, ...rest(on(of))), others)
        const gone = before.filter((line) => !world.dump().includes(line))
        assert.isTrue(gone.some((line) => line.includes(containerOf(of))))
        assert.notInclude(world.dump().join("\n"), containerOf(of))
        for (const network of networks) if (network !== of) yield* world.call("CHECK", asked(world, network))
        yield* world.add(asked(world, of))
      })
  )

  it.effect("gc by sandbox: plans and removes on the switch that has the port", () =>
    Effect.gen(function* () {
      for (const of of ["other-1", "otherVpp-2"] as const) {
        const { gone, run, world } = yield* node()
        gone.add(`/n/${of}`)
        const others = knows(world, ...rest(on(of)))
        const before = world.dump()
        // The configuration names the other switch.
        const now = of === "other-1" ? "ovs" : "vpp"
        const config = yield* file("net.conf", conf(world, of, now))
        const plan = yield* run("gc", "--by-sandbox", "--config", config, "--dry-run", "--json")
        assert.isTrue(plan.well)
        assert.include(plan.stdout, containerOf(of))
        assert.deepStrictEqual(world.dump(), before)
        assert.isTrue((yield* run("gc", "--by-sandbox", "--config", config)).well)
        assert.deepStrictEqual(knows(world, ...rest(on(of))), others)
        assert.notInclude(world.dump().join("\n"), containerOf(of))
      }
    })
  )

  it.effect("a dry run of ADD and DEL reads and names its own switch", () =>
    Effect.gen(function* () {
      const { run, world } = yield* node()
      const before = world.dump()
      for (const network of networks) {
        const config = yield* file("net.conf", conf(world, network))
        const { path, peer } = { path: "", peer: "", ...world[on(network)] }
        for (const [verb, id] of [
          ["add", "c0ffee9"],
          ["del", containerOf(network)]
        ] as const) {
          const sandbox = ["--container-id", id, "--netns", `/n/${network}`]
          const { stdout, well } = yield* run(verb, "--dry-run", "--json", "--config", config, ...sandbox)
          assert.isTrue(well, stdout)
          assert.include(stdout, `"socket":"${path || peer}"`)
        }
      }
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("DEL of all: nothing is left on any switch", () =>
    Effect.gen(function* () {
      const { empty, world } = yield* node()
      for (const network of networks) yield* world.call("DEL", asked(world, network))
      assert.deepStrictEqual(world.dump(), empty)
    })
  )
})
