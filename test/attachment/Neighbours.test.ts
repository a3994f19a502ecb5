/** Attachments do not disturb each other: on one bridge, in one pod, in one directory, with names that look alike. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { network, networks } from "./support/Networks.ts"
import { type Asked, failed, stateDir, World } from "./support/World.ts"

const server = {
  ...network,
  host: { ...network.host, vhost: { mode: "server", socketfile: "vhost.sock" } }
}

/** What is there of an attachment, in the words of the dump. */
const partOf = (world: World, { conf, containerId = "0958c8871b32cafe", ifName = "net1" }: Asked) => {
  const names = [containerId, ifName, typeof conf === "object" && "name" in conf ? conf.name : ""]
  return world.dump().filter((line) => names.every((name) => line.includes(`"${name}"`)))
}

describe("the second ADD of an attachment", () => {
  it.effect.each(Object.entries(networks))("fails and leaves the first whole: %s", ([, asked]) =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add(asked)
      const before = world.dump()
      for (const again of [asked, { ...asked, netns: "/n/b" }]) {
        const error = yield* failed(world.call("ADD", again))
        assert.strictEqual(error.code, 102)
        assert.include(error.details, "DEL")
        assert.deepStrictEqual(world.dump(), before)
      }
      yield* world.call("CHECK", asked)
    })
  )

  it.effect.each(Object.entries(networks))("also when the record of the first is lost: %s", ([, asked]) =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add(asked)
      world.files.remove(`${stateDir}/attachments/0958c8871b32-net1.json`)
      const dump = () => world.dump().filter((line) => !line.startsWith(`${stateDir}/attachments`))
      const before = dump()
      const error = yield* failed(world.call("ADD", asked))
      assert.strictEqual(error.code, 102)
      assert.deepStrictEqual(dump(), before)
    })
  )
})

describe("two attachments", () => {
  const pairs: ReadonlyArray<readonly [string, Asked, Asked]> = [
    ["net1 and net10 of a container", { conf: network }, { conf: network, ifName: "net10" }],
    [
      "containers that begin alike",
      { conf: network, containerId: "0958c8871b32aaaa" },
      { conf: network, containerId: "0958c8871b32bbbb" }
    ],
    ["two networks, one interface name", { conf: network }, { conf: { ...network, name: "other" } }],
    ["client and server mode", { conf: network }, { conf: { ...server, name: "other" }, ifName: "net2" }]
  ]

  it.effect.each(pairs)("%s, in either order", ([, one, other]) =>
    Effect.gen(function* () {
      for (const [first, second] of [[one, other] as const, [other, one] as const]) {
        const world = new World()
        const before = world.dump()
        yield* world.add(first)
        yield* world.add(second)
        yield* world.call("CHECK", first)
        const left = partOf(world, second)
        yield* world.call("DEL", first)
        assert.deepStrictEqual(partOf(world, second), left)
        yield* world.call("CHECK", second)
        yield* world.call("DEL", second)
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )

  it.effect("thirty at once, added and deleted", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      const all = Array.from({ length: 30 }, (_, index) => ({
        conf: network,
        containerId: `${index % 10}container`,
        ifName: `net${Math.floor(index / 10)}`
      }))
      const atOnce = <A, E>(f: (asked: Asked) => Effect.Effect<A, E>) =>
        Effect.forEach(all, f, { concurrency: "unbounded", discard: true })
      yield* atOnce((asked) => world.add(asked))
      yield* atOnce((asked) => world.call("CHECK", asked))
      assert.lengthOf(world.leases.dump(), 60)
      yield* atOnce((asked) => world.call("DEL", asked))
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("a socket file that the configuration names, for two interfaces of a container", () => {
  it.effect.each([
    ["server mode", server],
    ["client mode", { ...network, host: { ...network.host, vhost: { mode: "client", socketfile: "vhost.sock" } } }]
  ] as const)("the second ADD fails, and neither it nor its DEL touches the first: %s", ([, conf]) =>
    Effect.gen(function* () {
      const world = new World()
      const all = world.dump()
      yield* world.add({ conf })
      // Of an application that has begun, in client mode.
      if (conf !== server) world.files.put("/shared/0958c8871b32/vhost.sock", "socket")
      const before = world.dump()
      const error = yield* failed(world.call("ADD", { conf, ifName: "net2" }))
      assert.notStrictEqual(error.details, "")
      assert.deepStrictEqual(world.dump(), before)
      yield* world.call("DEL", { conf, ifName: "net2" })
      assert.deepStrictEqual(world.dump(), before)
      yield* world.call("CHECK", { conf })
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), all)
    })
  )
})

describe("what others made", () => {
  it.effect("a bridge of an administrator is used as it is, and stays", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.ovs.transact([
        { op: "insert", table: "Bridge", "uuid-name": "b", row: { name: "br-dpdk0", datapath_type: "netdev" } },
        { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
      ])
      const before = world.dump()
      yield* world.add({ conf: network })
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("a directory and a file of an administrator stay", () =>
    Effect.gen(function* () {
      const world = new World()
      world.files.put("/shared/0958c8871b32/notes", "file", "mine")
      const before = world.dump()
      const conf = { ...network, host: { ...network.host, vhost: { mode: "client" } } }
      yield* world.add({ conf })
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("a failed ADD into the directory of another attachment", () => {
  it.effect("gives the directory back its group and mode", () =>
    Effect.gen(function* () {
      const world = new World()
      const open = { ...network, host: { ...network.host, vhost: { mode: "client" } } }
      yield* world.add({ conf: open })
      const before = world.dump()
      // One address a family, and it is taken.
      const full = {
        type: "host-local",
        ranges: [[{ subnet: "10.9.9.0/30", rangeStart: "10.9.9.2", rangeEnd: "10.9.9.2" }]]
      }
      yield* world.add({ conf: { ...network, name: "full", ipam: full }, containerId: "ffffffffffff" })
      const error = yield* failed(world.call("ADD", { conf: { ...network, name: "full", ipam: full }, ifName: "net2" }))
      assert.include(error.msg, "no IP addresses available")
      yield* world.call("DEL", { conf: { ...network, name: "full", ipam: full }, containerId: "ffffffffffff" })
      const directories = (lines: ReadonlyArray<string>) => lines.filter((line) => line.startsWith("/shared"))
      assert.deepStrictEqual(directories(world.dump()), directories(before))
    })
  )
})
