/** Rounds of healing on a node in memory: what is found, what is done about it, and what is left. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Outcome } from "../../../src/attachment/heal/Act.ts"
import { type Memory, nothing, type Policy } from "../../../src/attachment/heal/Decide.ts"
import { millis } from "../../../src/attachment/heal/Look.ts"
import { ofNode, ofSwitch, once } from "../../../src/attachment/heal/Round.ts"
import { healed } from "../../../src/cli/perform/PerformHeal.ts"
import type { Control } from "../../../src/cni/network/HostPort.ts"
import type { CniError } from "../../../src/cni/spec/CniError.ts"
import { portName } from "../../../src/identity/Attachment.ts"
import { network, networks } from "../support/Networks.ts"
import { type Asked, runDir, stateDir, vppSocket, World } from "../support/World.ts"

const ovs: Control = { engine: "ovs-dpdk", control: `${runDir}/db.sock` }
const vpp: Control = { engine: "vpp", control: vppSocket }
const variables = { CNI_PATH: "/opt/cni/bin" }
const containerId = "0958c8871b32cafe"
const port = portName({ network: "net", containerId, ifName: "net1" })
const path = `${stateDir}/attachments/0958c8871b32-net1.json`
const nothingLeft = new World().dump()
const isMode = (mode: number) => mode

interface Wanted {
  readonly memory?: Memory
  readonly repair?: Policy["repair"]
  readonly dry?: boolean
  readonly at?: Control
}

const round = (world: World, { at = ovs, dry = false, memory = nothing, repair = "missing" }: Wanted = {}) =>
  world.resident((switches) => ofSwitch(at, memory, { switches, variables, repair, dry }))

const said = (outcome: Outcome): string =>
  outcome._tag === "Failed"
    ? `failed with ${outcome.error.code}, ${outcome.error.msg}`
    : outcome._tag === "Reported"
      ? "reported"
      : `${outcome._tag.toLowerCase()}, ${outcome.words}`

const words = ({ found }: Effect.Success<ReturnType<typeof round>>) =>
  found.map(({ kind, outcome, words }) => `${kind}: ${words}; ${said(outcome)}`)

/** VPP chooses it, and another one each time. */
const withoutMac = (line: string) => line.replace(/"l2_address":"02:fe:[^"]+"/, "")

const minute = TestClock.adjust("1 minute")

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
      world.files.put(path, "file", world.files.get(path)?.content ?? "", isMode(mode))
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
