/**
 * Pods attached by the living fork of the original plugin (fivetime/userspace-cni, June 2026): its Interface has owner,
 * container-id and interface, its Port nothing; state file, names and directory are the original's.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import * as OvsMemory from "../../ovs/support/OvsMemory.ts"
import { forkMarks, marks } from "../../suites/ForkPort.ts"
import { networks } from "../support/Networks.ts"
import { failed, stateDir, World } from "../support/World.ts"
import {
  bridge,
  conf,
  containerId,
  directory,
  fork,
  handle,
  type Made,
  port,
  state,
  statePath
} from "./support/Forked.ts"

const hasPort = (world: World, name = handle) =>
  world.dump().some((line) => line.startsWith("Port ") && line.includes(`"${name}"`))

describe("an attachment of the fork", () => {
  const ways: ReadonlyArray<readonly [string, Made]> = [
    ["client mode", {}],
    ["server mode", { row: { type: "dpdkvhostuser", options: ["map", []] } }],
    [
      "an OVN port",
      {
        ids: { ...forkMarks(containerId), "iface-id": "lsp1", "ovn-installed": "true" }
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
