/** CHECK and GC of pods that the fork of the original plugin attached (`Fork.test.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { failed, World } from "../support/World.ts"
import { bridge, conf, containerId, directory, fork, handle, port, state, statePath } from "./support/Forked.ts"

const told = (more: object = {}) =>
  JSON.stringify({
    ...{ containerId, ifName: "net1", name: "net", config: {} },
    ipResult: { interfaces: [{ name: "net1", sandbox: "/n/a" }], ips: [] },
    ...more
  })

describe("CHECK", () => {
  it.effect("passes for a port as the network requests, by state and by marks alone", () =>
    Effect.gen(function* () {
      const { ipam: _, ...plain } = conf
      const { world } = yield* fork()
      yield* world.call("CHECK", { conf: { ...plain, prevResult: { cniVersion: "0.4.0" } } })
      world.files.remove(statePath())
      yield* world.call("CHECK", { conf: { ...plain, prevResult: { cniVersion: "0.4.0" } } })
    })
  )

  it.effect("lists every difference, and a missing port", () =>
    Effect.gen(function* () {
      const { ipam: _, ...plain } = conf
      const host = { ...conf.host, bridge: { bridgeName: "br-dpdk0", vlanId: 5 } }
      const wanted = { conf: { ...plain, host, prevResult: { cniVersion: "0.4.0" } } }
      const { world } = yield* fork({ row: { mtu_request: 1400 } })
      const before = world.dump()
      const error = yield* failed(world.call("CHECK", wanted))
      assert.strictEqual(error.code, 105)
      assert.include(error.msg, `VLAN of port ${handle} is none, not 5`)
      assert.include(error.msg, `MTU request of port ${handle} is 1400, not none`)
      assert.deepStrictEqual(world.dump(), before)
      const gone = new World()
      yield* bridge(gone)
      state(gone)
      assert.include((yield* failed(gone.call("CHECK", wanted))).msg, `port ${handle} is missing`)
    })
  )

  it.effect("of what nobody added is an error of its own", () =>
    Effect.gen(function* () {
      const wanted = { conf: { ...conf, prevResult: { cniVersion: "0.4.0" } } }
      assert.strictEqual((yield* failed(new World().call("CHECK", wanted))).code, 3)
    })
  )
})

describe("GC", () => {
  const gc = (world: World, valid: ReadonlyArray<object> = [], name = "net") =>
    world.call("GC", { conf: { ...conf, name, cniVersion: "1.1.0", "cni.dev/valid-attachments": valid } })

  it.effect("removes one of its network, by its container config", () =>
    Effect.gen(function* () {
      const { before, world } = yield* fork()
      world.files.put(`${directory}/configData-${handle}.json`, "file", told())
      const attached = world.dump()
      yield* gc(world, [{ containerID: containerId, ifname: "net1" }])
      assert.deepStrictEqual(world.dump(), attached)
      yield* gc(world, [], "other")
      assert.deepStrictEqual(world.dump(), attached)
      yield* gc(world)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("leaves one of an unknown network, which may live", () =>
    Effect.gen(function* () {
      const { world } = yield* fork()
      const before = world.dump()
      yield* gc(world)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  const pods = "/var/lib/kubelet/pods"
  const volume = `${pods}/u1/volumes/kubernetes.io~empty-dir/shared-dir`
  it.effect.each([`${volume}/${handle}`, `/var/lib/vhost_sockets/u1/${handle}`])(
    "removes one on its bridge whose pod is gone, socket at %s",
    (path) =>
      Effect.gen(function* () {
        const world = new World()
        yield* bridge(world)
        world.files.put(`${pods}/u2`, "directory")
        const before = world.dump()
        yield* port(world, { row: { options: ["map", [["vhost-server-path", path]]] } })
        state(world)
        world.files.put(`${pods}/u1`, "directory")
        const alive = world.dump()
        yield* gc(world)
        assert.deepStrictEqual(world.dump(), alive)
        world.files.remove(`${pods}/u1`)
        const gone = world.dump()
        yield* world.call("GC", {
          conf: {
            ...conf,
            cniVersion: "1.1.0",
            host: { ...conf.host, bridge: { bridgeName: "br-other" } },
            "cni.dev/valid-attachments": []
          }
        })
        assert.deepStrictEqual(world.dump(), gone)
        yield* gc(world)
        assert.deepStrictEqual(world.dump(), before)
      })
  )

  it.effect("judges no pods where it sees no directory of pods", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* bridge(world)
      yield* port(world, { row: { options: ["map", [["vhost-server-path", `${volume}/${handle}`]]] } })
      const before = world.dump()
      yield* gc(world)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})
