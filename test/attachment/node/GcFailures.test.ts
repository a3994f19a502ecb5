/** GC with an obstacle: another switch, a failing step, an invalid call, an ADD that was killed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { keyOf } from "../../../src/identity/Attachment.ts"
import { containerId, gc, loseRecords, recordPath, removeBelow, withList } from "../support/Collecting.ts"
import { goesWrong, kills, services, stepsOf } from "../support/Faults.ts"
import { network, networks } from "../support/Networks.ts"
import { failed, stateDir, World } from "../support/World.ts"

/** A node on which Open vSwitch also has its default socket. */
const withDefaultSwitch = () => {
  const world = new World()
  world.files.put("/var/run/openvswitch/db.sock", "socket")
  return { before: world.dump(), world }
}

describe("a network that has moved to another switch", () => {
  const moved = { ...network, host: { ...network.host, socket: "/other/db.sock", bridge: { bridgeName: "elsewhere" } } }

  it.effect("is cleaned up on the old switch, by the configuration in its record", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add({ conf: network })
      const stays = { conf: moved, containerId: "a" }
      yield* world.add(stays)
      yield* gc(world, [stays], { ...moved, sharedDir: "/elsewhere", ipam: undefined })
      yield* world.call("DEL", stays)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is cleaned up by the mark on a default switch, with the records lost", () =>
    Effect.gen(function* () {
      const { before, world } = withDefaultSwitch()
      yield* world.add({ conf: network })
      loseRecords(world)
      yield* gc(world, [], moved)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is cleaned up on both switches when it was added again without DEL", () =>
    Effect.gen(function* () {
      const { before, world } = withDefaultSwitch()
      yield* world.add({ conf: network })
      loseRecords(world)
      removeBelow(world, "/shared")
      world.leases.release("net", `${containerId} net1`)
      yield* world.add({ conf: moved })
      yield* gc(world, [], moved)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("ignores a default switch that does not answer", () =>
    Effect.gen(function* () {
      const { before, world } = withDefaultSwitch()
      yield* world.add({ conf: moved })
      world.ovs.serve("refused")
      yield* gc(world, [], moved)
      assert.ok(world.log.some((line) => line.startsWith("Warn: Open vSwitch: list ports: ")))
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("failures", () => {
  it.effect("of the switch are reported, the rest is done, and the next GC completes the work", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add({ conf: network })
      yield* world.add({ conf: network, ifName: "net2" })
      world.ovs.serve("refused")
      const error = yield* failed(gc(world))
      assert.strictEqual(error.code, 11)
      assert.include(error.msg, "GC is incomplete: Open vSwitch: list ports: ")
      for (const name of ["net1", "net2"]) assert.include(error.msg, `${name} of container ${containerId}: `)
      assert.notStrictEqual(error.details, "")
      assert.deepStrictEqual(world.leases.dump(), [])
      assert.isUndefined(world.files.get("/shared"))
      world.ovs.serve("well")
      yield* gc(world)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("of one attachment do not stop the others", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      const broken = { conf: { ...network, ipam: { type: "host-local", ranges: "broken" } } }
      yield* world.add({ conf: network })
      const text = world.files.get(recordPath)?.content ?? ""
      world.files.put(recordPath, "file", text.replaceAll("10.1.2.0", "10.1.2"))
      yield* world.add({ conf: network, containerId: "b" })
      const error = yield* failed(gc(world))
      assert.strictEqual(error.code, 106)
      assert.include(error.msg, `net1 of container ${containerId}: IPAM plugin host-local DEL: `)
      assert.notInclude(error.msg, "container b")
      assert.isUndefined(world.files.get(`${stateDir}/attachments/b-net1.json`))
      assert.isDefined(world.files.get(recordPath))
      world.files.put(recordPath, "file", text)
      yield* gc(world, [], broken.conf)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("that are many are counted", () =>
    Effect.gen(function* () {
      const world = new World()
      for (let index = 0; index < 30; index++) yield* world.add({ conf: network, containerId: `c${index}` })
      world.ovs.serve("refused")
      const { msg } = yield* failed(gc(world))
      assert.include(msg, "; and 21 more")
      assert.isBelow(msg.length, 4000)
    })
  )

  it.effect("of an IPAM plugin that is not there", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add({ conf: network })
      const error = yield* failed(gc(world, [], { ...network, ipam: { type: "no-such-plugin" } }))
      assert.include(error.msg, "IPAM plugin no-such-plugin GC: not found")
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("an invalid call removes nothing", () => {
  it.effect.each<[string, object, number]>([
    ["without a list", { ...network, cniVersion: "1.1.0" }, 7],
    ["with half a list", withList(network, [{ containerID: containerId }]).conf, 7],
    ["of an older version", { ...withList(network, []).conf, cniVersion: "1.0.0" }, 1],
    ["with a broken configuration", withList({ ...network, host: "?" }, []).conf, 7],
    ["without a network", withList({ ...network, name: "" }, []).conf, 7]
  ])("%s", ([, conf, code]) =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      const before = world.dump()
      assert.strictEqual((yield* failed(world.call("GC", { conf }))).code, code)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

it.effect("a record that a killed ADD was writing goes, but not that of an ADD that may be running", () =>
  Effect.gen(function* () {
    const world = new World()
    const before = world.dump()
    const hidden = (containerId: string) =>
      `${stateDir}/attachments/.${keyOf({ network: "net", containerId, ifName: "net1" })}.killed`
    const running = { conf: network, containerId: "aaaaaaaaaaaa" }
    yield* world.add({ conf: network })
    world.files.put(hidden("bbbbbbbbbbbb"), "file", "", 0o400)
    world.files.put(hidden("aaaaaaaaaaaa"), "file", "{", 0o400)
    yield* gc(world, [{ conf: network }, running])
    assert.isUndefined(world.files.get(hidden("bbbbbbbbbbbb")))
    assert.isDefined(world.files.get(hidden("aaaaaaaaaaaa")))
    yield* gc(world)
    assert.deepStrictEqual(world.dump(), before)
  })
)

/** A killed ADD leaves only what GC removes completely. */
describe.each(Object.entries(networks))("an ADD that was killed: %s", async (_, asked) => {
  const names = await Effect.runPromise(stepsOf(new World(), "ADD", asked, services))

  it.live.each(names.flatMap((name, at) => kills.map((way) => [at, name, way] as const)))(
    "at step %i, %s: %s",
    ([at, , way]) =>
      Effect.gen(function* () {
        const world = new World()
        const before = world.dump()
        yield* goesWrong(world, "ADD", asked, services, at, way)
        yield* gc(world, [], asked.conf)
        assert.deepStrictEqual(world.dump(), before)
      })
  )
})
