/** Rounds of healing on a node in memory: what is left of a sandbox, without a record, or unreadable; and all at once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { healed } from "../../../src/attachment/heal/Healed.ts"
import { ofNode, once } from "../../../src/attachment/heal/Round.ts"
import { network, networks } from "../support/Networks.ts"
import { minute, nothingLeft, ovs, path, port, round, said, variables, vpp, words } from "../support/Rounds.ts"
import { vppSocket, World } from "../support/World.ts"

describe("an attachment whose sandbox is gone", () => {
  it.effect(
    "is deleted with its addresses and its own configuration when the sandbox is still gone a minute later",
    () =>
      Effect.gen(function* () {
        const world = new World()
        yield* world.add({ conf: network })
        world.namespace = () => "missing"
        const first = yield* round(world)
        assert.match(words(first).join(), /^stale: its sandbox \/n\/a is gone; waits, a later round deletes it$/)
        assert.notDeepEqual(world.dump(), nothingLeft)
        yield* minute
        const second = yield* round(world, { memory: first.memory })
        assert.match(words(second).join(), /^stale: .*; done, deleted$/)
        assert.deepStrictEqual(world.dump(), nothingLeft)
      })
  )

  it.effect("is left while the sandbox may be out of sight", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.ovs.empty()
      const before = world.dump()
      for (const kind of ["out of sight", "unreadable", "other file"] as const) {
        world.namespace = () => kind
        const first = yield* round(world)
        yield* minute
        assert.deepStrictEqual(words(yield* round(world, { memory: first.memory })), [])
      }
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is not deleted when the sandbox is there again just before", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      const before = world.dump()
      world.namespace = () => "missing"
      const first = yield* round(world)
      yield* minute
      let looks = 0
      world.namespace = () => (looks++ === 0 ? "missing" : "sandbox")
      const second = yield* round(world, { memory: first.memory })
      assert.match(words(second).join(), /^stale: .*; passed, its sandbox \/n\/a exists$/)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect.each([0o400, 0o500])("is deleted after its call was killed or failed (mode %o)", (mode) =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.files.put(path, "file", world.files.get(path)?.content ?? "", mode)
      world.namespace = () => "missing"
      const first = yield* round(world)
      yield* minute
      const second = yield* round(world, { memory: first.memory })
      assert.match(words(second).join(), mode === 0o500 ? /done, deleted$/ : /waits, a later round deletes it$/)
      yield* minute
      yield* round(world, { memory: second.memory })
      assert.deepStrictEqual(world.dump(), nothingLeft)
    })
  )

  it.effect("stays, with its record, while its switch is unreachable", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.namespace = () => "missing"
      const first = yield* round(world)
      world.ovs.serve("refused")
      yield* minute
      const second = yield* round(world, { memory: first.memory })
      assert.match(words(second).join(), /^stale: .*; failed with 11, /)
      assert.lengthOf(second.silent, 1)
      world.ovs.serve("well")
      yield* TestClock.adjust("5 seconds")
      yield* round(world, { memory: second.memory })
      assert.deepStrictEqual(world.dump(), nothingLeft)
    })
  )
})

describe("a port without a record", () => {
  it.effect("is reported and stays", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.files.remove(path)
      world.namespace = () => "missing"
      const before = world.dump()
      const first = yield* round(world)
      assert.deepStrictEqual(words(first), [`unrecorded: port ${port} has the plugin's mark, but no record; reported`])
      yield* minute
      yield* round(world, { memory: first.memory, repair: "all" })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("of an administrator is not reported", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add(networks["VPP, memif in a bridge domain"])
      assert.deepStrictEqual(words(yield* round(world, { at: vpp })), [])
    })
  )
})

describe("an unreadable record", () => {
  const node = (world: World, dry: boolean) => world.resident(() => ofNode({ dry, variables }))

  it.effect("is set aside whole, once; DEL then works by the mark", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.files.put(path, "file", '{"format":1,', 0o600)
      const planned = yield* node(world, true)
      assert.deepStrictEqual(
        planned.found.map(({ outcome }) => said(outcome)),
        ["planned, set it aside"]
      )
      const first = yield* node(world, false)
      const aside = path.replace(/json$/, "damaged")
      assert.deepStrictEqual(
        first.found.map(({ outcome }) => said(outcome)),
        [`done, set aside as ${aside}`]
      )
      assert.strictEqual(world.files.get(aside)?.content, '{"format":1,')
      assert.strictEqual(world.files.get(path), undefined)
      assert.deepStrictEqual((yield* node(world, false)).found, [])
      world.files.put(path, "file", "", 0o600)
      assert.include(said((yield* node(world, false)).found[0]?.outcome ?? { _tag: "Reported" }), `${aside}.1`)
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.ovs.dump(), new World().ovs.dump())
    })
  )

  it.effect("of a later release is reported and left", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      const { content = "" } = world.files.get(path) ?? {}
      world.files.put(path, "file", content.replace('"format":1', '"format":2'), 0o600)
      world.ovs.empty()
      const before = world.dump()
      assert.deepStrictEqual(
        (yield* node(world, false)).found.map(({ kind }) => kind),
        ["unusable"]
      )
      assert.deepStrictEqual(words(yield* round(world)), [])
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("the whole node", () => {
  it.effect("is inspected once, switch by switch; a silent switch delays no other", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      yield* world.add({ ...networks["VPP, memif in a bridge domain"], ifName: "net3" })
      yield* world.add({ conf: { ...network, host: { ...network.host, socket: "/other/db.sock" } }, ifName: "net2" })
      world.ovs.empty()
      world.other.empty()
      world.other.serve("refused")
      world.vpp.restart()
      const rounds = yield* world.resident((switches) => once({ switches, variables, repair: "missing", dry: false }))
      assert.deepStrictEqual(
        healed(rounds).map(({ engine, finding, outcome }) => `${engine} ${finding} ${outcome}`),
        ["ovs-dpdk missing done", "vpp missing done"]
      )
      assert.deepStrictEqual(
        rounds.switches.map(({ at, silent }) => [at.control, silent.length]),
        [
          [ovs.control, 0],
          ["/other/db.sock", 1],
          [vppSocket, 0]
        ]
      )
    })
  )
})
