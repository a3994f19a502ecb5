/** Rounds of healing on a node in memory: ports that are missing or changed, and what is done about them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { millis } from "../../../src/attachment/node/Survey.ts"
import type { CniError } from "../../../src/cni/types/CniError.ts"
import { network, networks } from "../support/Networks.ts"
import { minute, nothingLeft, ovs, port, round, vpp, words } from "../support/Rounds.ts"
import { type Asked, runDir, World } from "../support/World.ts"

/** VPP chooses it, and another one each time. */
const withoutMac = (line: string) => line.replace(/"l2_address":"02:fe:[^"]+"/, "")

const changeVlan = (world: World) =>
  world.ovs.transact([
    {
      op: "mutate",
      table: "Port",
      where: [["name", "==", port]],
      mutations: [
        ["tag", "delete", 7],
        ["tag", "insert", 9]
      ]
    }
  ])

describe("a missing port", () => {
  it.effect.each(Object.entries(networks))(
    "is restored: %s",
    ([name, asked]: readonly [string, Asked]): Effect.Effect<void, CniError> =>
      Effect.gen(function* () {
        const world = new World()
        const at = name.startsWith("VPP") ? vpp : ovs
        yield* world.add(asked)
        const state = () => world.dump().map(withoutMac)
        const before = state()
        assert.deepStrictEqual(words(yield* round(world, { at })), [])
        if (at === vpp) world.vpp.restart()
        else world.ovs.empty()
        const planned = yield* round(world, { at, dry: true })
        assert.match(words(planned).join(), /^missing: [^;]+; planned, recreate it$/)
        assert.notDeepEqual(state(), before)
        const done = yield* round(world, { at })
        assert.match(words(done).join(), /^missing: [^;]+; done, recreated: /)
        assert.deepStrictEqual(state(), before)
        assert.deepStrictEqual(words(yield* round(world, { at, memory: done.memory })), [])
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), nothingLeft)
      })
  )

  it.effect("is restored at most once a minute, whoever removes it", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.ovs.empty()
      const first = yield* round(world)
      world.ovs.empty()
      const second = yield* round(world, { memory: first.memory })
      assert.match(words(second).join(), /^missing: .*; waits, a later round recreates it$/)
      assert.strictEqual(second.due, (yield* millis) + 60_000)
      yield* minute
      const third = yield* round(world, { memory: second.memory })
      assert.deepStrictEqual(words(third), [`missing: the switch has no port for it; done, recreated: port ${port}`])
    })
  )

  it.effect("among several: one failure stops no other, and is retried later", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      yield* world.add({ conf: network, containerId: "beef" })
      world.ovs.empty()
      world.files.remove("/shared/0958c8871b32")
      const first = yield* round(world)
      assert.match(words(first)[0] ?? "", /failed with 105, the shared directory \/shared\/0958c8871b32 is missing$/)
      assert.match(words(first)[1] ?? "", /done, recreated: port /)
      assert.match(
        words(yield* round(world, { memory: first.memory })).join(),
        /^missing: .*waits, a later round recreates it$/
      )
      world.files.put("/shared/0958c8871b32", "directory", "", 0o2770)
      yield* TestClock.adjust("5 seconds")
      assert.match(words(yield* round(world, { memory: first.memory })).join(), /^missing: .*done, recreated: port /)
    })
  )

  it.effect("while ovs-vswitchd is dead: trying loses nothing, and the port is restored when it is back", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      const before = world.dump()
      world.ovs.empty()
      world.ovs.vswitchd.alive = false
      world.files.put(`${runDir}/ovs-vswitchd.pid`, "file", "7\n")
      world.files.put(`${runDir}/ovs-vswitchd.7.ctl`, "socket", "")
      const first = yield* round(world)
      assert.match(words(first).join(), /^missing: .*failed with 11, .*ovs-vswitchd does not answer/)
      world.files.remove(`${runDir}/ovs-vswitchd.pid`)
      world.files.remove(`${runDir}/ovs-vswitchd.7.ctl`)
      world.ovs.restart()
      const now = yield* millis
      const second = yield* round(world, { memory: { ...first.memory, returned: now + 1 } })
      assert.match(words(second).join(), /^missing: .*done, recreated: port /)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("state that a switch loses with a restart", () => {
  it.effect("a socket of the switch's own is published again", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: { ...network, host: { ...network.host, vhost: { mode: "server" } } } })
      world.ovs.restart()
      const done = yield* round(world)
      assert.match(words(done).join(), /^forgotten: socket .* was restarted; done, recreated: socket /)
      assert.deepStrictEqual(words(yield* round(world, { memory: done.memory })), [])
    })
  )
})

describe("a changed port", () => {
  it.effect("is reported and left, on Open vSwitch", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      yield* changeVlan(world)
      const before = world.dump()
      const found = [`changed: VLAN of port ${port} is 9, not 7; reported`]
      const first = yield* round(world)
      assert.deepStrictEqual(words(first), found)
      yield* minute
      assert.deepStrictEqual(words(yield* round(world, { memory: first.memory })), found)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is reported and left, on VPP", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add(networks["VPP, memif in a bridge domain"])
      const [own] = [...world.vpp.server.model.interfaces.values()].filter(({ row }) =>
        row.tag.startsWith("userspace/")
      )
      if (own !== undefined) own.row.flags = 0
      const before = world.dump()
      assert.match(words(yield* round(world, { at: vpp })).join(), /^changed: interface memif\S+ is down; reported$/)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is restored with --repair=all, at most once a minute", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      const before = world.dump()
      yield* changeVlan(world)
      const first = yield* round(world, { repair: "all" })
      assert.match(words(first).join(), /^changed: VLAN .*; done, recreated: port /)
      assert.deepStrictEqual(world.dump(), before)
      yield* changeVlan(world)
      const second = yield* round(world, { repair: "all", memory: first.memory })
      assert.match(words(second).join(), /^changed: VLAN .*; waits, a later round repairs it$/)
      yield* minute
      yield* round(world, { repair: "all", memory: second.memory })
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})
