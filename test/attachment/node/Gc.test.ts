/**
 * GC removes everything of a network that is not in the list, however little of it is left, and nothing else: not what
 * is valid, not another network's, not what has no mark. On a node in memory.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { containerId, gc, loseRecords, removeBelow, removePort, withList, withoutState } from "../support/Collecting.ts"
import { isOnVpp, network, networks } from "../support/Networks.ts"
import { type Asked, stateDir, World } from "../support/World.ts"

describe("attachments that are not in the list", () => {
  it.effect.each(Object.entries(networks))("are removed, and a second GC has nothing to do: %s", ([, asked]) =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add(asked)
      for (let i = 0; i < 2; i++) {
        assert.isUndefined(yield* gc(world, [], asked.conf))
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )

  it.effect.each(["cni.dev/valid-attachments", "cni.dev/attachments"])("are removed with the list in %s", (key) =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      const before = world.dump()
      yield* world.add({ conf: network, ifName: "net2" })
      yield* world.call("GC", withList(network, [{ containerID: containerId, ifname: "net1" }], key))
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  const others: ReadonlyArray<readonly [string, Asked]> = [
    ["another interface of the container", { conf: network, ifName: "net10" }],
    ["a container that begins alike", { conf: network, containerId: "0958c8871b32beef" }],
    ["another container", { conf: network, containerId: "a" }]
  ]

  it.effect.each(others)(
    "are removed, and those in the list stay complete, with records and without: %s",
    ([, other]) =>
      Effect.gen(function* () {
        for (const [goes, stays] of [[{ conf: network }, other] as const, [other, { conf: network }] as const]) {
          for (const lose of [() => {}, loseRecords]) {
            const world = new World()
            yield* world.add(stays)
            const alone = withoutState(world)
            yield* world.add(goes)
            lose(world)
            yield* gc(world, [stays])
            assert.deepStrictEqual(withoutState(world), alone)
          }
        }
      })
  )

  it.effect("are removed when they are every second one of many", () =>
    Effect.gen(function* () {
      const world = new World()
      const all = Array.from({ length: 40 }, (_, index): Asked => ({ conf: network, containerId: `c${index}` }))
      const [stay, go] = [0, 1].map((rest) => all.filter((_, index) => index % 2 === rest))
      assert.isDefined(stay)
      assert.isDefined(go)
      yield* Effect.forEach(stay, (asked) => world.add(asked))
      const before = world.dump()
      yield* Effect.forEach(go, (asked) => world.add(asked))
      yield* gc(world, stay)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("an attachment is found", () => {
  // VPP's mark has no room for names: only the IPAM plugin can know these ports' addresses.
  const named = Object.entries(networks).filter(([name]) => !isOnVpp(name))
  it.effect.each(named)("by the mark on the switch: %s", ([, asked]) =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add(asked)
      loseRecords(world)
      removeBelow(world, "/shared")
      yield* gc(world, [], asked.conf)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect.each(Object.entries(networks))("by its record: %s", ([, asked]) =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add(asked)
      yield* removePort(world)
      removeBelow(world, "/shared")
      yield* gc(world, [], asked.conf)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("by its container config", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add({ conf: network })
      loseRecords(world)
      yield* removePort(world)
      yield* gc(world)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("what is not the network's stays", () => {
  it.effect("another network's on the same switch, with records and without", () =>
    Effect.gen(function* () {
      for (const lose of [() => {}, loseRecords]) {
        const world = new World()
        yield* world.add({ conf: { ...network, name: "other" } })
        yield* world.add({ conf: { ...network, name: "ne" }, ifName: "net2" })
        yield* world.add({ conf: { ...network, name: "net.work" }, ifName: "net3" })
        lose(world)
        const before = world.dump()
        yield* gc(world)
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )

  it.effect("ports, directories and files of others, whatever their names", () =>
    Effect.gen(function* () {
      const world = new World()
      const ids = ["map", [["userspace-cni-network", "net"]]] as const
      yield* world.ovs.transact([
        {
          op: "insert",
          table: "Interface",
          "uuid-name": "i",
          row: { name: "usp0", type: "dpdkvhostuser", external_ids: ids }
        },
        {
          op: "insert",
          table: "Port",
          "uuid-name": "p",
          row: { name: "usp0", interfaces: ["named-uuid", "i"], external_ids: ids }
        },
        { op: "insert", table: "Bridge", "uuid-name": "b", row: { name: "br-dpdk0", ports: ["named-uuid", "p"] } },
        { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
      ])
      // In the form of the original plugin: without marks.
      const told = JSON.stringify({ containerId: "aaaaaaaaaaaabb", ifName: "net1", name: "net" })
      world.files.put("/shared/aaaaaaaaaaaa/configData-aaaaaaaaaaaa-net1.json", "file", told)
      world.files.put("/shared/aaaaaaaaaaaa/aaaaaaaaaaaa-net1", "socket")
      world.files.put(`${stateDir}/data/local-aaaaaaaaaaaa-net1.json`, "file", '{"vhostname":"usp0"}')
      const before = world.dump()
      yield* gc(world)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("a file that a container writes into its directory identifies nobody else", () =>
    Effect.gen(function* () {
      const world = new World()
      const own = { conf: network }
      const victim = { conf: network, containerId: "cccccccccccccc" }
      yield* world.add(own)
      yield* world.add(victim)
      loseRecords(world)
      const planted = [
        { containerId: "dddddddddddddd", ifName: "net1", name: "net" },
        { containerId: "../../etc", ifName: "net1", name: "net" },
        { containerId: "0958c8871b32/../x", ifName: "net1", name: "net" },
        { containerId: "0958c8871b32ffff", ifName: "a:b", name: "net" }
      ]
      const handles = planted.map(({ containerId: id, ifName }) => `${id.slice(0, 12).replaceAll("/", "_")}-${ifName}`)
      for (const [index, text] of planted.entries()) {
        world.files.put(`/shared/0958c8871b32/configData-${handles[index]}.json`, "file", JSON.stringify(text))
      }
      const right = { containerId: "0958c8871b32ffff", ifName: "net8", name: "net" }
      world.files.put("/shared/0958c8871b32/configData-0958c8871b32-net9.json", "file", JSON.stringify(right))
      world.files.put("/shared/0958c8871b32/configData-0958c8871b32-net7.json", "file", "{")
      const before = world.dump()
      yield* gc(world, [own, victim])
      assert.deepStrictEqual(world.dump(), before)
      assert.notInclude(world.log.join("\n"), "removed")
      // Its own name in its own directory is different: nothing of it exists.
      world.files.put("/shared/0958c8871b32/configData-0958c8871b32-net8.json", "file", JSON.stringify(right))
      yield* gc(world, [own, victim])
      assert.deepStrictEqual(world.dump(), before)
      assert.include(world.log.join("\n"), "removed net8 of container 0958c8871b32ffff")
    })
  )
})
