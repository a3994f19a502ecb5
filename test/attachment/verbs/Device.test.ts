/** Attachments of pods that asked for a device: where their files are, what a new sandbox finds, and what is refused. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parseRecord } from "../../../src/attachment/records/RecordFormat.ts"
import { network, networks } from "../support/Networks.ts"
import { type Asked, failed, stateDir, World } from "../support/World.ts"

const { sharedDir: _, ...conf } = network
const devices = `${stateDir}/devices`
const directory = `${devices}/br-dpdk-3.k2`
const args = "K8S_POD_NAMESPACE=prod;K8S_POD_NAME=upf-0;K8S_POD_UID=u"
const wanted = { conf: { ...conf, resourceName: "userspace-cni/br-dpdk", deviceID: "br-dpdk-3" }, args } satisfies Asked

/** A node on which kubelet has given br-dpdk-3 and br-dpdk-4 to one container. */
const givenNode = () => {
  const world = new World()
  world.files.put(directory, "directory", "", 0o770, 107)
  for (const device of ["br-dpdk-3", "br-dpdk-4"])
    world.files.put(`${devices}/${device}`, "symlink", "br-dpdk-3.k2", 0o777)
  return world
}

const recordOf = (world: World, handle: string) =>
  parseRecord(world.files.get(`${stateDir}/attachments/${handle}.json`)?.content ?? "")

describe("an attachment with a device", () => {
  it.effect("has its files in the container's directory, under names of the interface, whichever device it has", () =>
    Effect.gen(function* () {
      const world = givenNode()
      const document = yield* world.add(wanted)
      const before = world.below(directory)
      assert.include(JSON.stringify(document), `${directory}/net1`)
      assert.isTrue(before.some((line) => line.includes(`${directory}/configData-net1.json`)))
      assert.strictEqual(recordOf(world, "0958c8871b32-net1")?.device, "br-dpdk-3")
      yield* world.add({ ...wanted, conf: { ...wanted.conf, deviceID: "br-dpdk-4" }, ifName: "net2" })
      assert.isTrue(world.below(directory).some((line) => line.includes(`${directory}/configData-net2.json`)))
    })
  )

  it.effect("takes the device that the runtime passes for the capability", () =>
    Effect.gen(function* () {
      const { deviceID, ...rest } = wanted.conf
      const document = yield* givenNode().add({ ...wanted, conf: { ...rest, runtimeConfig: { deviceID } } })
      assert.include(JSON.stringify(document), `${directory}/net1`)
    })
  )

  it.effect("needs no resourceName, if Multus passes a device of this node", () =>
    Effect.gen(function* () {
      const { resourceName: _, ...rest } = wanted.conf
      assert.include(JSON.stringify(yield* givenNode().add({ ...wanted, conf: rest })), `${directory}/net1`)
    })
  )

  it.effect("leaves nothing after DEL but the directory, which is the container's", () =>
    Effect.gen(function* () {
      const world = givenNode()
      const before = world.dump()
      yield* world.add(wanted)
      yield* world.call("DEL", wanted)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect.each(Object.entries(networks))("in a new sandbox has the same socket and MAC address: %s", ([, { conf }]) =>
    Effect.gen(function* () {
      const { resourceName, deviceID } = wanted.conf
      const { sharedDir: _, ...own } = { sharedDir: undefined, ...conf }
      const asked = { ...wanted, conf: { ...own, resourceName, deviceID } }
      const world = givenNode()
      const socketAndMac = (document: unknown) => {
        const { interfaces, macs = [] } = Object(document)
        return interfaces?.map(({ mac, socketPath }: Record<string, unknown>) => [mac, socketPath]) ?? macs
      }
      const first = socketAndMac(yield* world.add(asked))
      assert.match(JSON.stringify(first), /\w\w:\w\w:\w\w/)
      yield* world.call("DEL", asked)
      const later = { ...asked, containerId: "7d1c0b6a9e55cafe", netns: "/n/b" }
      assert.deepStrictEqual(socketAndMac(yield* world.add(later)), first)
      yield* world.call("CHECK", later).pipe(Effect.exit)
      yield* world.call("DEL", later)
    })
  )

  it.effect("keeps its files when the DEL of an earlier sandbox comes late", () =>
    Effect.gen(function* () {
      const world = givenNode()
      yield* world.add(wanted)
      const later = { ...wanted, containerId: "7d1c0b6a9e55cafe", netns: "/n/b" }
      const refused = yield* Effect.result(world.call("ADD", later))
      // Open vSwitch does not take a second port on one socket while the first is there.
      if (refused._tag === "Failure") {
        yield* world.call("DEL", later)
        yield* world.call("DEL", wanted)
        yield* world.add(later)
      } else yield* world.call("DEL", wanted)
      const config = world.files.get(`${directory}/configData-net1.json`)?.content ?? ""
      assert.include(config, "7d1c0b6a9e55cafe")
    })
  )
})

const refused: ReadonlyArray<readonly [what: string, deviceID: string, words: string]> = [
  ["none came with the call", "", "the call has none"],
  ["of another resource", "sriov-1", "the call has sriov-1"],
  ["in the form of other plugins", "0000:00:1f.6", "the call has 0000:00:1f.6"],
  ["that this node does not know", "br-dpdk-9", "not found"],
  ["with a path", "../../etc/br-dpdk-1", "which is none of this resource"]
]

describe("a network that wants a device", () => {
  it.effect.each(refused)("is refused with what to do: %s", ([, deviceID, words]) =>
    Effect.gen(function* () {
      const world = givenNode()
      const before = world.dump()
      const { deviceID: _, ...rest } = wanted.conf
      const asked = { ...wanted, conf: deviceID === "" ? rest : { ...rest, deviceID } }
      const { code, details = "", msg } = yield* failed(world.call("ADD", asked))
      assert.include(msg, words)
      assert.isTrue(code === 7 || code === 5)
      assert.match(details, /resources\.limits|--resources/)
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is as before for a device of somebody else, without resourceName", () =>
    Effect.gen(function* () {
      const document = yield* givenNode().add({ conf: { ...network, deviceID: "any-7" } })
      assert.include(JSON.stringify(document), "/shared/0958c8871b32/0958c8871b32-net1")
    })
  )
})
