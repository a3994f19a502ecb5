/**
 * Pods attached by the original plugin, deleted after the upgrade: found by its state file and names, because it left
 * no marks; objects that only look like it stay. Its files are in the form of its last release.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Value } from "../../../src/ovs/client/OvsdbMessages.ts"
import { network } from "../support/Networks.ts"
import { failed, stateDir, World } from "../support/World.ts"

const { sharedDir: _, ...base } = network
const conf = { ...base, cniVersion: "0.4.0", host: { ...network.host, bridge: { bridgeName: "br-dpdk0" } } }
const handle = "0958c8871b32-net1"
const directory = "/usr/local/var/run/openvswitch/0958c8871b32"
const statePath = `${stateDir}/data/local-${handle}.json`

interface Original {
  readonly type?: string
  readonly ids?: Value
  readonly state?: string
}

/** A bridge with a port, as the original plugin creates them with ovs-vsctl; its socket; its state; its lease. */
const original = Effect.fnUntraced(function* ({ ids, state, type = "dpdkvhostuser" }: Original = {}) {
  const world = new World()
  world.files.put("/usr/local/var/run/openvswitch", "directory")
  yield* world.ovs.transact([
    { op: "insert", table: "Bridge", "uuid-name": "b", row: { name: "br-dpdk0", datapath_type: "netdev" } },
    { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
  ])
  const before = world.dump()
  yield* world.ovs.transact([
    { op: "insert", table: "Interface", "uuid-name": "i", row: { name: handle, type } },
    {
      op: "insert",
      table: "Port",
      "uuid-name": "p",
      row: { name: handle, interfaces: ["named-uuid", "i"], ...(ids === undefined ? {} : { external_ids: ids }) }
    },
    {
      op: "mutate",
      table: "Bridge",
      where: [["name", "==", "br-dpdk0"]],
      mutations: [["ports", "insert", ["named-uuid", "p"]]]
    }
  ])
  world.files.put(directory, "directory", "", 0o700)
  world.files.put(`${directory}/${handle}`, "socket", "", 0o755)
  world.files.put(statePath, "file", state ?? JSON.stringify({ vhostname: handle, vhostmac: "", ifmac: "" }))
  return { world, before }
})

const hasPort = (world: World) => world.dump().some((line) => line.startsWith("Port ") && line.includes(`"${handle}"`))

describe("an attachment of the original plugin", () => {
  it.effect.each(["dpdkvhostuser", "dpdkvhostuserclient"])("is deleted completely: %s", (type) =>
    Effect.gen(function* () {
      const { before, world } = yield* original({ type })
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("with sharedDir as well; other containers' directories stay", () =>
    Effect.gen(function* () {
      const { world } = yield* original()
      const before = world.dump()
      world.files.put("/shared/0958c8871b32", "directory", "", 0o700)
      world.files.put(`/shared/0958c8871b32/${handle}`, "socket")
      world.files.put("/shared/aaaaaaaaaaaa/aaaaaaaaaaaa-net1", "socket")
      yield* world.call("DEL", { conf: { ...conf, sharedDir: "/shared" } })
      assert.deepStrictEqual(world.files.names("/shared"), ["aaaaaaaaaaaa"])
      assert.isFalse(hasPort(world))
      assert.notDeepEqual(world.dump(), before)
    })
  )

  it.effect("DEL of net1 leaves net2 and net10", () =>
    Effect.gen(function* () {
      const { world } = yield* original()
      const others = ["net2", "net10"].flatMap((name) => [
        `${directory}/0958c8871b32-${name}`,
        `${directory}/configData-0958c8871b32-${name}.json`,
        `${stateDir}/data/local-0958c8871b32-${name}.json`
      ])
      for (const path of others) world.files.put(path, "file", "{}")
      yield* world.call("DEL", { conf })
      for (const path of others) assert.isDefined(world.files.get(path), path)
      assert.isUndefined(world.files.get(statePath))
      assert.isUndefined(world.files.get(`${directory}/${handle}`))
    })
  )

  it.effect("keeps its state until all else is done", () =>
    Effect.gen(function* () {
      const { before, world } = yield* original()
      world.ovs.serve("refused")
      const error = yield* failed(world.call("DEL", { conf }))
      assert.strictEqual(error.code, 11)
      assert.isDefined(world.files.get(statePath))
      world.ovs.serve("well")
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("without its shared directory does not fail", () =>
    Effect.gen(function* () {
      const { before, world } = yield* original()
      world.files.remove(`${directory}/${handle}`)
      world.files.remove(directory)
      yield* world.call("DEL", { conf })
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("a state file with little content", () => {
  it.effect.each(['{"vhostname":"","vhostmac":"","ifmac":""}', '{"swIfIndex":0,"memifSocketId":0}', "{", ""])(
    "%s removes no port, and is removed itself",
    (state) =>
      Effect.gen(function* () {
        const { world } = yield* original({ state })
        yield* world.call("DEL", { conf })
        assert.isTrue(hasPort(world))
        assert.isUndefined(world.files.get(statePath))
      })
  )
})

describe("a port with the original plugin's name that is not its port", () => {
  it.effect.each<[string, Original]>([
    ["carries somebody's mark", { ids: ["map", [["iface-id", "lsp1"]]] }],
    ["is no vhost-user port", { type: "dpdk" }],
    ["is one of another kind", { type: "internal" }]
  ])("stays, and so does the state file, and DEL reports it, when it %s", ([, odd]) =>
    Effect.gen(function* () {
      const { world } = yield* original(odd)
      const error = yield* failed(world.call("DEL", { conf }))
      assert.strictEqual(error.code, 106)
      assert.include(error.msg, handle)
      assert.isTrue(hasPort(world))
      assert.isDefined(world.files.get(statePath))
      assert.isUndefined(world.files.get(`${directory}/${handle}`))
    })
  )

  it.effect("stays without a state file, because the name alone proves nothing", () =>
    Effect.gen(function* () {
      const { world } = yield* original()
      world.files.remove(statePath)
      yield* world.call("DEL", { conf })
      assert.isTrue(hasPort(world))
    })
  )
})

it.effect("an attachment of ours beside the original plugin's state is deleted by its mark", () =>
  Effect.gen(function* () {
    const world = new World()
    const before = world.dump()
    yield* world.add({ conf })
    world.files.put(statePath, "file", '{"vhostname":"somebody-elses","vhostmac":"","ifmac":""}')
    yield* world.call("DEL", { conf })
    assert.deepStrictEqual(world.dump(), before)
  })
)
