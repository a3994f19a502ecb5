/** The counters of a whole node: their attachments and switches, and an unreachable switch. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as NodeTraffic from "../../../src/attachment/traffic/NodeTraffic.ts"
import { keyOf } from "../../../src/identity/Attachment.ts"
import { portName, portNumber } from "../../../src/vpp/interfaces/Mark.ts"
import { networks } from "../support/Networks.ts"
import { runDir, stateDir, vppSocket, World, type Wrap } from "../support/World.ts"

const variables = { CNI_PATH: "/opt/cni/bin" }
const args = "K8S_POD_NAMESPACE=prod;K8S_POD_NAME=upf-0;K8S_POD_UID=u"

const ofEach = Object.entries(networks).map(([name, asked], index) => ({
  name,
  asked: { ...asked, containerId: `c${index}0958c8871b32`, args }
}))

const node = (world: World) => world.resident((switches) => NodeTraffic.make(switches, [], variables))

const words = ({ interfaces }: Effect.Success<ReturnType<typeof node>>) =>
  interfaces.map(({ at, who }) => `${who?.network} ${who?.containerId} ${who?.ifName} ${who?.pod?.name} ${at.control}`)

/** VPP has been there for a while: a new one is waited for. */
const started = TestClock.adjust("1 minute")

describe("the traffic of a node", () => {
  it.effect("is that of every attachment, on every switch, with its identity", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* started
      for (const { asked } of ofEach) yield* world.add(asked)
      const { failures, interfaces, silent } = yield* node(world)
      assert.deepStrictEqual([failures, silent], [[], []])
      assert.lengthOf(interfaces, ofEach.length)
      for (const { asked, name } of ofEach) {
        const found = interfaces.find(({ who }) => who?.containerId === asked.containerId)
        assert.strictEqual(found?.at.engine, name.startsWith("VPP") ? "vpp" : "ovs-dpdk", name)
        assert.deepInclude(found?.who, { ifName: "net1", pod: { namespace: "prod", name: "upf-0", uid: "u" } })
      }
    })
  )

  it.effect("on VPP comes from its stats segment, as the pod sees it", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* started
      const [vpp] = ofEach.filter(({ name }) => name.startsWith("VPP"))
      assert.isDefined(vpp)
      yield* world.add(vpp.asked)
      const { conf } = vpp.asked
      const network = typeof conf === "object" && "name" in conf ? String(conf.name) : ""
      const key = keyOf({ network, containerId: vpp.asked.containerId, ifName: "net1" })
      const name = [...world.vpp.server.model.interfaces.values()]
        .map(({ row }) => row.interface_name)
        .find((one) => [portName("memif", portNumber(key)), portName("vhostuser", portNumber(key))].includes(one))
      world.vpp.counts.set(name ?? "", {
        "/if/rx": [[5n, 500n]],
        "/if/tx": [[3n, 180n]],
        "/if/drops": [1n],
        "/if/rx-miss": [2n],
        "/if/rx-no-buf": [4n],
        "/if/rx-error": [6n],
        "/if/tx-error": [8n]
      })
      const { interfaces } = yield* node(world)
      assert.deepInclude(interfaces[0]?.traffic, {
        receive: { packets: 3, bytes: 180, dropped: { "tx-error": 8 }, errors: 0 },
        transmit: { packets: 5, bytes: 500, dropped: { miss: 2, "no-buffers": 4, forwarding: 1 }, errors: 6 }
      })
    })
  )

  it.effect("names an unreachable switch of a record, and has the others", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* started
      for (const { asked } of ofEach) yield* world.add(asked)
      world.ovs.serve("refused")
      const { interfaces, silent } = yield* node(world)
      assert.deepStrictEqual(
        silent.map(({ at, error }) => `${at.control}: ${error.failed}`),
        [`${runDir}/db.sock: Open vSwitch: read counters: connect on ${runDir}/db.sock: ECONNREFUSED`]
      )
      assert.isTrue(interfaces.length > 0 && interfaces.every(({ at }) => at.control === vppSocket))
    })
  )

  it.effect("follows added and removed attachments, and reads the records only then", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* started
      const [one, other] = ofEach.filter(({ name }) => name.startsWith("VPP"))
      assert.isDefined(one)
      assert.isDefined(other)
      yield* world.add(one.asked)
      let reads = 0
      const counting: Wrap = (name, service) =>
        name !== "Files"
          ? service
          : new Proxy(service, {
              get: (target, property, receiver) => {
                if (property === "read") reads++
                return Reflect.get(target, property, receiver)
              }
            })
      yield* world.resident(
        (switches) =>
          Effect.gen(function* () {
            const read = NodeTraffic.make(switches, [], variables)
            assert.lengthOf(words(yield* read), 1)
            const before = reads
            yield* read
            assert.strictEqual(reads, before)
            yield* TestClock.adjust("1 minute")
            yield* read
            assert.isAbove(reads, before)
            yield* world.add(other.asked)
            assert.lengthOf(words(yield* read), 2)
            yield* world.call("DEL", one.asked)
            const left = yield* read
            assert.deepStrictEqual(
              left.interfaces.map(({ who }) => who?.containerId),
              [other.asked.containerId]
            )
          }),
        counting
      )
    })
  )

  it.effect("has the names of an Open vSwitch port's mark when its record is lost", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* started
      const [ovs] = ofEach.filter(({ name }) => !name.startsWith("VPP"))
      assert.isDefined(ovs)
      yield* world.add(ovs.asked)
      for (const line of world.below(`${stateDir}/attachments`)) {
        const [path = ""] = line.split(" ")
        if (path.endsWith(".json")) world.files.remove(path)
      }
      world.files.put(`${runDir}/db.sock`, "socket")
      const [found] = (yield* node(world)).interfaces
      assert.deepInclude(found?.who, { containerId: ovs.asked.containerId, ifName: "net1" })
    })
  )
})
