/** What `restore` recreates of the recorded attachments of a node, what it skips, and what it reports. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { Restored } from "../../../src/attachment/heal/RestoreRound.ts"
import { ErrorCodes } from "../../../src/cni/types/CniError.ts"
import { portName, shortDigest } from "../../../src/identity/Attachment.ts"
import { network, networks } from "../support/Networks.ts"
import { runDir, stateDir, World } from "../support/World.ts"

const containerId = "0958c8871b32cafe"
const port = portName({ network: "net", containerId, ifName: "net1" })
const path = `${stateDir}/attachments/0958c8871b32-net1.json`
const served = networks["server mode, a long directory, device information"]

/** As text, for comparison. */
const words = ({ record, result }: Restored): string =>
  `${record.ifName}: ${
    result.outcome === "restored"
      ? `restored ${result.made.join(", ")}`
      : result.outcome === "there"
        ? `there ${result.port}`
        : result.outcome === "skipped"
          ? `skipped, ${result.reason}`
          : `failed with ${result.error.code}, ${result.error.msg}`
  }`

const restored = (world: World, millis?: number) =>
  Effect.map(world.restore(undefined, millis), (all) => all.map(words))

const rewritten = (world: World, change: (text: string) => string): void =>
  world.files.put(path, "file", change(world.files.get(path)?.content ?? ""), 0o600)

describe("what the switch has lost", () => {
  it.effect("is restored once, and CHECK and DEL succeed", () =>
    Effect.gen(function* () {
      const world = new World()
      const empty = world.dump()
      yield* world.add({ conf: network })
      const before = world.dump()
      world.ovs.empty()
      assert.notDeepEqual(world.dump(), before)
      assert.deepStrictEqual(yield* restored(world), [`net1: restored port ${port}`])
      assert.deepStrictEqual(world.dump(), before)
      assert.deepStrictEqual(yield* restored(world), [`net1: there ${port}`])
      assert.deepStrictEqual(world.dump(), before)
      yield* world.call("CHECK", { conf: network })
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.dump(), empty)
    })
  )

  it.effect("with a socket of the switch's own is published again with its mode and group", () =>
    Effect.gen(function* () {
      const world = new World()
      const empty = world.dump()
      yield* world.add(served)
      const { place } = JSON.parse(world.files.get(path)?.content ?? "")
      const before = world.below(place.socketPath)
      const own = () => world.files.get(`${runDir}/${port}`)?.ino
      world.ovs.restart()
      assert.notStrictEqual(world.files.get(place.socketPath)?.ino, own())
      assert.deepStrictEqual(yield* restored(world), [`net1: restored socket ${place.socketPath}`])
      assert.strictEqual(world.files.get(place.socketPath)?.ino, own())
      assert.deepStrictEqual(world.below(place.socketPath), before)
      assert.deepStrictEqual(yield* restored(world), [`net1: there ${port}`])
      yield* world.call("CHECK", served)
      yield* world.call("DEL", served)
      assert.deepStrictEqual(world.dump(), empty)
    })
  )

  it.effect("is restored for all containers and networks, the oldest first, after any failure before", () =>
    Effect.gen(function* () {
      const world = new World()
      const other = { ...network, name: "other", host: { ...network.host, bridge: { bridgeName: "br-dpdk1" } } }
      yield* world.add({ conf: network })
      yield* world.add({ conf: other, ifName: "net2" })
      yield* world.add({ conf: network, ifName: "net3", containerId: "beef" })
      const before = world.dump()
      world.ovs.empty()
      world.files.remove("/shared/0958c8871b32")
      const [first, second, third] = yield* restored(world)
      assert.match(first ?? "", /^net1: failed with 105, the shared directory \/shared\/0958c8871b32 is missing$/)
      assert.match(second ?? "", /^net2: failed with 105/)
      assert.match(third ?? "", /^net3: restored port/)
      world.files.put("/shared/0958c8871b32", "directory", "", 0o2770)
      yield* restored(world)
      assert.deepStrictEqual(
        world.dump().filter((line) => /^(Port|Bridge)/.test(line)),
        before.filter((line) => /^(Port|Bridge)/.test(line))
      )
    })
  )

  it.effect("is nothing on a node without records", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      assert.deepStrictEqual(yield* restored(world), [])
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("restore skips", () => {
  const left = Effect.fnUntraced(function* (prepare: (world: World) => void) {
    const world = new World()
    yield* world.add({ conf: network })
    world.ovs.empty()
    prepare(world)
    const before = world.dump()
    const said = yield* restored(world)
    assert.deepStrictEqual(world.dump(), before)
    return said
  })

  it.effect("the port of a sandbox that is gone, as all are after a reboot", () =>
    Effect.gen(function* () {
      for (const kind of ["missing", "other file"] as const) {
        const said = yield* left((world) => {
          world.namespace = () => kind
        })
        assert.deepStrictEqual(said, ["net1: skipped, its sandbox /n/a is gone"])
      }
    })
  )

  it.effect("a sandbox that cannot be inspected, with an error", () =>
    Effect.gen(function* () {
      const said = yield* left((world) => {
        world.namespace = () => "unreadable"
      })
      assert.deepStrictEqual(said, ["net1: failed with 5, the sandbox /n/a cannot be accessed: permission denied"])
    })
  )

  it.effect("the record of an ADD that was killed, or of a DEL that failed", () =>
    Effect.gen(function* () {
      const said = yield* left((world) => {
        const record = world.files.get(path)
        if (record !== undefined) record.mode = 0o400
      })
      assert.deepStrictEqual(said, ["net1: skipped, its ADD is still running, or its DEL has started"])
    })
  )

  it.effect("the record of a later release, which may not be fully known", () =>
    Effect.gen(function* () {
      const said = yield* left((world) => rewritten(world, (text) => text.replace('"format":1', '"format":2')))
      assert.deepStrictEqual(said, [
        "net1: failed with 1, the record has format 2, written by a later release; this release knows 1"
      ])
    })
  )

  it.effect("a record whose configuration this release refuses", () =>
    Effect.gen(function* () {
      const said = yield* left((world) => rewritten(world, (text) => text.replace("vhostuser", "carrier-pigeon")))
      assert.match(said[0] ?? "", /^net1: failed with 7, .*carrier-pigeon/)
    })
  )

  it.effect("a port that somebody changed, and names it", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      yield* world.ovs.transact([
        { op: "mutate", table: "Port", where: [["name", "==", port]], mutations: [["tag", "delete", 7]] }
      ])
      const before = world.dump()
      assert.deepStrictEqual(yield* restored(world), [
        `net1: failed with 100, Open vSwitch: restore port ${port}: different from the record: VLAN of port ${port} is none, not 7`
      ])
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("a condition that may pass", () => {
  it.effect("a switch that does not answer is asked once, and all its ports fail alike", () =>
    Effect.gen(function* () {
      const world = new World()
      for (const ifName of ["net1", "net2", "net3"]) yield* world.add({ conf: network, ifName })
      let asked = 0
      world.ovs.serve("refused")
      const said = yield* world.restore((name, service) => {
        if (name !== "Vswitch") return service
        return new Proxy(service, {
          get: (target, key) => {
            if (key === "restore") asked++
            return Reflect.get(target, key)
          }
        })
      })
      assert.strictEqual(asked, 1)
      assert.deepStrictEqual(
        said.map(({ result }) => result.outcome === "failed" && result.error.code),
        [ErrorCodes.TryAgainLater, ErrorCodes.TryAgainLater, ErrorCodes.TryAgainLater]
      )
    })
  )

  it.live("a switch that starts within the time is waited for", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.ovs.empty()
      world.ovs.serve("refused")
      const restoring = yield* Effect.forkChild(restored(world, 20_000), { startImmediately: true })
      yield* Effect.yieldNow
      world.ovs.serve("well")
      assert.deepStrictEqual(yield* Fiber.join(restoring), [`net1: restored port ${port}`])
    })
  )

  it.live("an ADD that ends within the time is waited for, and one that was killed long ago is not", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.ovs.empty()
      const long = "2026-01-01T00:00:00.000Z"
      const since = String(JSON.parse(world.files.get(path)?.content ?? "").since)
      const unsettled = (from: string, to: string) => {
        rewritten(world, (text) => text.replace(from, to))
        const record = world.files.get(path)
        if (record !== undefined) record.mode = 0o400
      }
      unsettled(since, long)
      const said = ["net1: skipped, its ADD is still running, or its DEL has started"]
      assert.deepStrictEqual(yield* restored(world, 20_000), said)
      unsettled(long, since)
      const restoring = yield* Effect.forkChild(restored(world, 20_000), { startImmediately: true })
      yield* Effect.yieldNow
      rewritten(world, (text) => text)
      assert.deepStrictEqual(yield* Fiber.join(restoring), [`net1: restored port ${port}`])
    })
  )
})

it.effect("only one restore of a state directory runs at a time", () =>
  Effect.gen(function* () {
    const world = new World()
    world.taken.add(`userspace-cni/restore/in/${shortDigest("/another")}`)
    yield* world.restore()
    world.taken.add(`userspace-cni/restore/in/${shortDigest(stateDir)}`)
    const error = yield* Effect.flip(world.restore())
    assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
    assert.include(error.message, "another restore is running on this node")
  })
)
