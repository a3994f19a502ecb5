/**
 * Pods attached by the living fork of the original plugin (fivetime/userspace-cni, June 2026): its Interface has owner,
 * container-id and interface, its Port nothing; state file, names and directory are the original's.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { OvsClient } from "../../src/ovs/client/OvsClient.ts"
import type { Row } from "../../src/ovs/wire/Notation.ts"
import { network, networks } from "../attachment/support/Networks.ts"
import { failed, stateDir, World } from "../attachment/support/World.ts"
import * as OvsMemory from "../ovs/support/OvsMemory.ts"
import { forkBridge, forkMarks, forkPort, marks } from "../suites/ForkPort.ts"

const conf = { ...network, cniVersion: "0.4.0", host: { ...network.host, bridge: { bridgeName: "br-dpdk0" } } }
const containerId = "0958c8871b32cafe"
const handle = "0958c8871b32-net1"
const directory = "/shared/0958c8871b32"
const statePath = (name = handle) => `${stateDir}/data/local-${name}.json`

interface Made {
  readonly name?: string
  readonly ifName?: string
  readonly ids?: Readonly<Record<string, string>>
  readonly row?: Row
  readonly port?: Row
}

const bridge = (world: World) => world.ovs.transact(forkBridge("br-dpdk0"))

const port = (world: World, { ids, ifName = "net1", name = handle, ...made }: Made = {}) =>
  world.ovs.transact(
    forkPort({
      ...{ bridge: "br-dpdk0", name, socketPath: `${directory}/${name}` },
      ids: ids ?? forkMarks(containerId, ifName),
      ...made
    })
  )

const state = (world: World, name = handle, vhostname = name) =>
  world.files.put(statePath(name), "file", JSON.stringify({ vhostname, vhostmac: "", ifmac: "8e:bf:a9:6f:2d:1d" }))

const told = (more: object = {}) =>
  JSON.stringify({
    ...{ containerId, ifName: "net1", name: "net", config: {} },
    ipResult: { interfaces: [{ name: "net1", sandbox: "/n/a" }], ips: [] },
    ...more
  })

const fork = Effect.fnUntraced(function* (made: Made = {}) {
  const world = new World()
  world.files.put("/shared", "directory")
  yield* bridge(world)
  const before = world.dump()
  yield* port(world, made)
  world.files.put(directory, "directory", "", 0o750)
  world.files.put(`${directory}/${handle}`, "socket", "", 0o755)
  state(world)
  return { world, before }
})

const hasPort = (world: World, name = handle) =>
  world.dump().some((line) => line.startsWith("Port ") && line.includes(`"${name}"`))

describe("an attachment of the fork", () => {
  const ways: ReadonlyArray<readonly [string, Made]> = [
    ["client mode", {}],
    ["server mode", { row: { type: "dpdkvhostuser", options: ["map", []] } }],
    [
      "an OVN port",
      {
        ids: {
          ...forkMarks(containerId),
          ...{ "iface-id": "lsp1", "ovn-installed": "true" }
        }
      }
    ],
    ["a VLAN and a limit", { row: { ingress_policing_rate: 1000 }, port: { tag: 5 } }]
  ]
  for (const stateless of [false, true]) {
    it.effect.each(ways)(
      `is deleted completely ${stateless ? "by its marks alone" : "by state and marks"}: %s`,
      ([, made]) =>
        Effect.gen(function* () {
          const { before, world } = yield* fork(made)
          if (stateless) world.files.remove(statePath())
          if (stateless) world.files.remove(`${stateDir}/data`)
          yield* world.call("DEL", { conf })
          assert.deepStrictEqual(world.dump(), before)
          yield* world.call("DEL", { conf })
          assert.deepStrictEqual(world.dump(), before)
        })
    )
  }

  it.effect("keeps its state until all else is done", () =>
    Effect.gen(function* () {
      const { before, world } = yield* fork()
      world.ovs.serve("refused")
      assert.strictEqual((yield* failed(world.call("DEL", { conf }))).code, 11)
      assert.isDefined(world.files.get(statePath()))
      world.ovs.serve("well")
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("removes a bridge of ours with its last port", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf, containerId: "aaaaaaaaaaaabb" })
      const records = world.dump()
      yield* port(world)
      state(world)
      yield* world.call("DEL", { conf, containerId: "aaaaaaaaaaaabb" })
      assert.isTrue(hasPort(world))
      yield* world.call("DEL", { conf })
      assert.isFalse(world.dump().some((line) => line.startsWith("Bridge ")))
      assert.isTrue(records.some((line) => line.startsWith("Bridge ")))
    })
  )
})

describe("ports of others stay", () => {
  const own = forkMarks(containerId)
  const others: ReadonlyArray<readonly [string, Made]> = [
    ["another container", { ids: { ...own, "container-id": "aaaaaaaaaaaaaa" } }],
    ["a container that begins alike", { ids: { ...own, "container-id": "0958c8871b32beef" } }],
    ["another interface", { ids: { ...own, interface: "net10" } }],
    ["another owner", { ids: { ...own, owner: "ovs-cni.network.kubevirt.io" } }],
    ["marks without an owner", { ids: { "container-id": containerId, interface: "net1" } }],
    ["marks without a container", { ids: { owner: "userspace-cni", interface: "net1" } }],
    ["marks without an interface", { ids: { owner: "userspace-cni", "container-id": containerId } }],
    ["another kind of port", { row: { type: "internal", options: ["map", []] } }],
    ["a mark of ours on its Port", { port: { external_ids: marks({ "userspace-cni": "1" }) } }]
  ]
  it.effect.each(others)("without a state file: %s", ([, made]) =>
    Effect.gen(function* () {
      const world = new World()
      yield* bridge(world)
      yield* port(world, made)
      const before = world.dump()
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("with the state file of a container whose id begins alike, and its socket", () =>
    Effect.gen(function* () {
      const ids = { ...own, "container-id": "0958c8871b32beef" }
      const { world } = yield* fork({ ids })
      const before = world.dump()
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
      assert.isTrue(world.log.some((line) => line.includes("same ID prefix")))
      yield* world.call("DEL", { conf, containerId: "0958c8871b32beef" })
      assert.isFalse(hasPort(world))
      assert.isUndefined(world.files.get(statePath()))
    })
  )

  it.effect("DEL of net1 leaves net2 and net10", () =>
    Effect.gen(function* () {
      const { world } = yield* fork()
      for (const ifName of ["net2", "net10"]) {
        yield* port(world, { name: `0958c8871b32-${ifName}`, ifName })
        world.files.put(`${directory}/0958c8871b32-${ifName}`, "socket")
        state(world, `0958c8871b32-${ifName}`)
      }
      yield* world.call("DEL", { conf })
      assert.isFalse(hasPort(world))
      for (const ifName of ["net2", "net10"]) {
        assert.isTrue(hasPort(world, `0958c8871b32-${ifName}`))
        assert.isDefined(world.files.get(`${directory}/0958c8871b32-${ifName}`))
        assert.isDefined(world.files.get(statePath(`0958c8871b32-${ifName}`)))
      }
    })
  )
})

describe("a state file whose port is not removed", () => {
  it.effect.each<[string, Made]>([
    ["only some of the marks", { ids: { owner: "userspace-cni" } }],
    ["another container's marks", { ids: { owner: "userspace-cni", "container-id": "bbbb", interface: "net1" } }],
    ["an internal port", { row: { type: "internal", options: ["map", []] }, ids: {} }]
  ])("is an error, and stays, and all else is done: %s", ([, made]) =>
    Effect.gen(function* () {
      const { world } = yield* fork(made)
      const error = yield* failed(world.call("DEL", { conf }))
      assert.strictEqual(error.code, 106)
      assert.include(error.msg, handle)
      assert.include(error.details, `ovs-vsctl del-port ${handle}`)
      assert.isTrue(hasPort(world))
      assert.isDefined(world.files.get(statePath()))
      assert.isUndefined(world.files.get(`${directory}/${handle}`))
      // By the cure: without the port the next DEL succeeds.
      yield* removePort(world)
      yield* world.call("DEL", { conf })
      assert.isUndefined(world.files.get(statePath()))
    })
  )

  it.effect("because the network has another engine now", () =>
    Effect.gen(function* () {
      const { world } = yield* fork()
      const { conf: onVpp } = networks["VPP, memif in a bridge domain"]
      const error = yield* failed(world.call("DEL", { conf: onVpp }))
      assert.strictEqual(error.code, 106)
      assert.include(error.msg, handle)
      assert.isTrue(hasPort(world))
      assert.isDefined(world.files.get(statePath()))
    })
  )
})

/** A change by an administrator. */
const removePort = (world: World) =>
  Effect.flatMap(OvsClient, (client) =>
    Effect.flatMap(client.portNamed(handle), (row) => client.removePorts(row === undefined ? [] : [row]))
  ).pipe(Effect.provide(OvsMemory.layer(world.ovs)))

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
