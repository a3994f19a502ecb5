/** Attachments do not disturb each other: on one bridge, in one pod, in one directory, with names that look alike. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { edges } from "../support/Faults.ts"
import { heldAt, stepsOf } from "../support/Interleaved.ts"
import { network, networks } from "../support/Networks.ts"
import { type Asked, failed, stateDir, World, type Wrap } from "../support/World.ts"

const server = {
  ...network,
  host: { ...network.host, vhost: { mode: "server", socketfile: "vhost.sock" } }
}

/** The lines of the dump that belong to an attachment. */
const partOf = (world: World, { conf, containerId = "0958c8871b32cafe", ifName = "net1" }: Asked) => {
  const names = [containerId, ifName, typeof conf === "object" && "name" in conf ? conf.name : ""]
  return world.dump().filter((line) => names.every((name) => line.includes(`"${name}"`)))
}

describe("a second ADD of an attachment", () => {
  it.effect.each(Object.entries(networks))("fails and leaves the first complete: %s", ([, asked]) =>
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

  it.effect.each(Object.entries(networks))("fails also when the record of the first is lost: %s", ([, asked]) =>
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

describe("a DEL of an attachment whose files would have the same names", () => {
  it.live("held at any step while the other is added, leaves the other's record", () =>
    Effect.gen(function* () {
      const [coming, going] = [{ conf: network }, { conf: { ...network, name: "other" } }] as const
      const del = (world: World) => (wrap: Wrap) => Effect.orDie(world.call("DEL", going, wrap))
      const steps = yield* stepsOf(del(new World()), edges)
      assert.isAbove(steps, 10)
      for (let at = 0; at < steps; at++) {
        const world = new World()
        const before = world.dump()
        const held = yield* heldAt(at, del(world), edges)
        yield* world.add(coming)
        yield* held.letGo
        assert.isDefined(world.files.get(`${stateDir}/attachments/0958c8871b32-net1.json`), `held at ${at}`)
        yield* world.call("DEL", coming)
        assert.deepStrictEqual(world.dump(), before, `held at ${at}`)
      }
    })
  )
})

describe("an ADD held at any step", () => {
  it.live.each(Object.entries(networks))(
    "loses nothing to a DEL whose files would have the same names: %s",
    ([, asked]) =>
      Effect.gen(function* () {
        // The runtime gives each a separate device information file.
        const conf = { ...(typeof asked.conf === "object" ? asked.conf : {}), name: "other", runtimeConfig: {} }
        const going = { ...asked, conf }
        const add = (world: World) => (wrap: Wrap) => Effect.orDie(world.call("ADD", asked, wrap))
        const steps = yield* stepsOf(add(new World()), edges)
        assert.isAbove(steps, 10)
        for (let at = 0; at < steps; at++) {
          const world = new World()
          const before = world.dump()
          const held = yield* heldAt(at, add(world), edges)
          yield* world.call("DEL", going)
          yield* held.letGo
          yield* world.call("CHECK", asked)
          yield* world.call("DEL", asked)
          assert.deepStrictEqual(world.dump(), before, `held at ${at}`)
        }
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

  it.effect("a hundred at once, added and deleted", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      const all = Array.from({ length: 100 }, (_, index) => ({
        conf: { ...network, host: { ...network.host, bridge: { bridgeName: `br-${index % 3}` } } },
        containerId: `${index % 13}container`,
        ifName: `net${Math.floor(index / 13)}`
      }))
      const atOnce = <A, E>(f: (asked: Asked) => Effect.Effect<A, E>) =>
        Effect.forEach(all, f, { concurrency: "unbounded", discard: true })
      yield* atOnce((asked) => world.add(asked))
      yield* atOnce((asked) => world.call("CHECK", asked))
      assert.lengthOf(world.leases.dump(), 200)
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
      // The socket of an application that has started, in client mode.
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

describe("objects of others", () => {
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

  it.effect("a directory that somebody recreated under the name of one of ours stays", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      // A reboot empties /run; then the owner of the directory starts before the DEL.
      for (const line of world.below("/shared").toReversed()) world.files.remove(line.split(" ")[0] ?? "")
      world.files.put("/shared", "directory", "", 0o700)
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(
        world.below("/shared").map((line) => line.split(" ")[0]),
        ["/shared"]
      )
    })
  )

  it.effect("it also stays when a DEL failed before the one that succeeds", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      for (const line of world.below("/shared").toReversed()) world.files.remove(line.split(" ")[0] ?? "")
      world.files.put("/shared", "directory", "", 0o700)
      world.ovs.serve("refused")
      yield* failed(world.call("DEL", { conf: network }))
      world.ovs.serve("well")
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(
        world.below("/shared").map((line) => line.split(" ")[0]),
        ["/shared"]
      )
    })
  )

  it.effect("a directory of ours is removed although its container removed our mark", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      yield* world.add({ conf: network })
      world.files.remove("/shared/0958c8871b32/.userspace-cni")
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("an administrator's directory and file stay", () =>
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
  it.effect("restores the directory's group and mode", () =>
    Effect.gen(function* () {
      const world = new World()
      const open = { ...network, host: { ...network.host, vhost: { mode: "client" } } }
      yield* world.add({ conf: open })
      const before = world.dump()
      // One address for each family, and it is taken.
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
