/**
 * DEL on a node in memory: nothing is left, whatever existed, and whatever became of the configuration and the records.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { network, networks } from "../support/Networks.ts"
import { type Asked, failed, runDir, stateDir, World, type Wrap } from "../support/World.ts"

const added = Effect.fnUntraced(function* (asked: Asked = { conf: network }) {
  const world = new World()
  const before = world.dump()
  yield* world.add(asked)
  return { world, before }
})

const loseRecords = (world: World) => {
  const below = [...world.below(`${stateDir}/attachments`)].map((line) => line.split(" ")[0] ?? "")
  for (const path of below.reverse()) world.files.remove(path)
}

/** Records when switch and IPAM have done their part. */
const ending =
  (ended: Array<string>): Wrap =>
  (name, service) =>
    new Proxy(service, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        const watched = (name === "Ipam" && key === "del") || (name === "Vswitch" && key === "unplug")
        if (!watched || typeof member !== "function") return member
        return (...args: ReadonlyArray<unknown>) => {
          const done = Reflect.apply(member, target, args)
          return Effect.isEffect(done)
            ? Effect.ensuring(
                done,
                Effect.sync(() => ended.push(name))
              )
            : done
        }
      }
    })

it.effect("an address is released after its port is gone from the switch, not before", () =>
  Effect.gen(function* () {
    const { before, world } = yield* added(networks["VPP, memif with addresses"])
    const ended: Array<string> = []
    yield* world.call("DEL", networks["VPP, memif with addresses"], ending(ended))
    assert.deepStrictEqual(ended, ["Vswitch", "Ipam"])
    assert.deepStrictEqual(world.dump(), before)
  })
)

describe("success", () => {
  it.effect.each(Object.entries(networks))("of a complete attachment, and again: %s", ([, asked]) =>
    Effect.gen(function* () {
      const { before, world } = yield* added(asked)
      for (let i = 0; i < 3; i++) {
        assert.isUndefined(yield* world.call("DEL", asked))
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )

  it.effect("of one that was never added", () =>
    Effect.gen(function* () {
      const { world } = yield* added()
      const before = world.dump()
      for (const other of [{ ifName: "net10" }, { containerId: "0958c8871b32other" }, { containerId: "a" }]) {
        yield* world.call("DEL", { conf: network, ...other, netns: "" })
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )

  it.effect("without a namespace, and with one that is gone", () =>
    Effect.gen(function* () {
      for (const netns of ["", "/n/gone"]) {
        const { before, world } = yield* added()
        world.namespace = () => "missing"
        yield* world.call("DEL", { conf: network, netns })
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )

  it.effect("for a container id shorter than 12 characters", () =>
    Effect.gen(function* () {
      const asked = { conf: network, containerId: "a" }
      const { before, world } = yield* added(asked)
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

/** Things that are gone already, by somebody's action or a reboot; the runtime deletes all the same. */
const losses: Readonly<Record<string, (world: World) => void>> = {
  "the shared directory": (world) => {
    for (const line of [...world.below("/shared")].reverse()) world.files.remove(line.split(" ")[0] ?? "")
  },
  "the file for the container": (world) => world.files.remove("/shared/0958c8871b32/configData-0958c8871b32-net1.json"),
  "the address": (world) => world.leases.release("net", "0958c8871b32cafe net1"),
  "the records": loseRecords
}

describe("with something already gone", () => {
  it.effect.each(Object.keys(losses))("%s", (name) =>
    Effect.gen(function* () {
      const { before, world } = yield* added()
      losses[name]?.(world)
      assert.notDeepEqual(world.dump(), before)
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("with everything gone", () =>
    Effect.gen(function* () {
      const { before, world } = yield* added()
      for (const lose of Object.values(losses)) lose(world)
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("with the records of every kind of network gone", () =>
    Effect.gen(function* () {
      for (const asked of Object.values(networks)) {
        const { before, world } = yield* added(asked)
        loseRecords(world)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )
})

describe("the configuration", () => {
  it.effect("of the ADD is used when it was edited since", () =>
    Effect.gen(function* () {
      const { before, world } = yield* added()
      const edited = {
        ...network,
        sharedDir: "/elsewhere",
        host: { engine: "ovs-dpdk", iftype: "vhostuser", bridge: { bridgeName: "another", vlanId: 9 } }
      }
      yield* world.call("DEL", { conf: edited })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect.each([
    { ...network, host: "broken" },
    { ...network, host: { ...network.host, unknown: 1 } },
    { ...network, host: undefined },
    { ...network, ipam: 7 }
  ])("is replaced by that of the ADD when it is broken: %j", (conf) =>
    Effect.gen(function* () {
      const { before, world } = yield* added()
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
      assert.ok(world.log.some((line) => line.includes("continuing with the configuration of the ADD")))
    })
  )

  it.effect("without an IPAM plugin still releases the addresses of the ADD", () =>
    Effect.gen(function* () {
      const { before, world } = yield* added()
      const { ipam: _, ...without } = network
      yield* world.call("DEL", { conf: without })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("that is broken, without a record, is an error that says so", () =>
    Effect.gen(function* () {
      const { world } = yield* added()
      loseRecords(world)
      const before = world.dump()
      const error = yield* failed(world.call("DEL", { conf: { ...network, host: "broken" } }))
      assert.strictEqual(error.code, 7)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("may have a prevResult that cannot be read", () =>
    Effect.gen(function* () {
      const { before, world } = yield* added()
      loseRecords(world)
      yield* world.call("DEL", { conf: { ...network, prevResult: "?" } })
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("a configured state directory", () => {
  it.effect("is found in any spelling, also when the rest is broken", () =>
    Effect.gen(function* () {
      const asked = { conf: { ...network, stateDir: "/state" } }
      const { before, world } = yield* added(asked)
      const { stateDir: _, ...rest } = asked.conf
      yield* world.call("DEL", { conf: { ...rest, StateDir: "/state", host: "broken" } })
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("failures", () => {
  it.effect("are reported together, everything else is done, and the record stays for the next DEL", () =>
    Effect.gen(function* () {
      const { before, world } = yield* added()
      world.ovs.serve("refused")
      const conf = { ...network, ipam: { type: "host-local", ranges: "broken" } }
      const error = yield* failed(world.call("DEL", { conf }))
      assert.strictEqual(error.code, 11)
      assert.include(error.msg, "2 steps of DEL failed, the others are complete: ")
      assert.include(error.msg, "Open vSwitch: ")
      assert.include(error.msg, "IPAM plugin host-local DEL: ")
      assert.notStrictEqual(error.details, "")
      assert.isUndefined(world.files.get("/shared"))
      assert.isDefined(world.files.get(`${stateDir}/attachments/0958c8871b32-net1.json`))
      world.ovs.serve("well")
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("keep their own code when they are alone", () =>
    Effect.gen(function* () {
      const { world } = yield* added()
      world.ovs.serve("refused")
      const error = yield* failed(world.call("DEL", { conf: network }))
      assert.strictEqual(error.code, 11)
      assert.notInclude(error.msg, "steps of DEL failed")
    })
  )

  it.effect("of ovs-vswitchd are ignored: a dead daemon must not block a pod", () =>
    Effect.gen(function* () {
      const { world } = yield* added()
      world.ovs.vswitchd.alive = false
      yield* world.call("DEL", { conf: network })
      assert.notInclude(world.ovs.dump().join(), "usp6qmbqjaf4dkd")
      assert.isDefined(world.files.get(runDir))
    })
  )
})
