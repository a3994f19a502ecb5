/** The programs on a pod, in memory: what is published and withdrawn, and how it is found. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { stateDir } from "../attachment/support/World.ts"
import { asked, conf, deviceInfoFile, emptyDir, hostPath, PodWorld, volume } from "./support/PodWorld.ts"

const configFile = "configData-0958c8871b32-net1.json"

describe("the container config", () => {
  it.effect("of an attachment stays when a second ADD of it is refused", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      yield* world.add(asked)
      const after = world.dump()
      assert.strictEqual((yield* Effect.flip(world.call("ADD", asked))).code, 102)
      assert.deepStrictEqual(world.dump(), after)
    })
  )

  it.effect("of a lost DEL is replaced", () =>
    Effect.gen(function* () {
      const stale = { containerId: "0958c8871b32cafe", ifName: "net1", name: "net", stale: true }
      const other = { ...stale, ifName: "net2" }
      const annotations = { "userspace/configuration-data": JSON.stringify([stale, other]) }
      const world = new PodWorld({ annotations })
      yield* world.add(asked)
      assert.lengthOf(world.elements() ?? [], 2)
      assert.notInclude(JSON.stringify(world.elements()?.[0]), "stale")
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.elements(), [other])
    })
  )

  it.effect("of an earlier sandbox's interface is replaced, and others' elements stay", () =>
    Effect.gen(function* () {
      const earlier = { containerId: "ffffffffffffcafe", ifName: "net1", name: "net" }
      const other = { ...earlier, ifName: "net2" }
      const annotations = { "userspace/configuration-data": JSON.stringify([earlier, other]) }
      const world = new PodWorld({ annotations })
      yield* world.add(asked)
      assert.lengthOf(world.elements() ?? [], 2)
      assert.notInclude(JSON.stringify(world.elements()?.slice(1)), "ffffffffffffcafe")
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.elements(), [other])
    })
  )

  it.effect(
    "fails CHECK when the file in the volume is another's, and passes without a file, as of an older release",
    () =>
      Effect.gen(function* () {
        const world = new PodWorld()
        yield* world.add(asked)
        world.files.remove(`${volume}/${configFile}`)
        yield* world.call("CHECK", asked)
        world.files.put(
          `${volume}/${configFile}`,
          "file",
          JSON.stringify({ containerId: "other", ifName: "net1", name: "n" })
        )
        assert.match(
          (yield* Effect.flip(world.call("CHECK", asked))).msg,
          /configData-.* no longer belongs to this attachment/
        )
      })
  )

  it.effect("restores earlier device information when ADD fails, and removes it on DEL", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      world.files.put(deviceInfoFile, "file", '{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:00:05.0"}}')
      const before = world.dump()
      world.cluster.delete("default", "web")
      yield* Effect.flip(world.call("ADD", asked))
      world.pod({ annotations: { color: "blue" }, volumes: [hostPath(volume, "DirectoryOrCreate")] })
      const fails = { ...asked, conf: { ...conf, ipam: { type: "host-local" } } }
      yield* Effect.flip(world.call("ADD", fails))
      assert.deepStrictEqual(world.dump(), before)
      yield* world.add(asked)
      assert.match(world.files.get(deviceInfoFile)?.content ?? "", /"path":"\/run\/shared\/0958c8871b32-net1"/)
      yield* world.call("DEL", asked)
      assert.isUndefined(world.files.get(deviceInfoFile))
    })
  )

  it.effect.each(["", '{"ty', '{"type":"vhost-us', '{"type":"vhost-user","version":"1.1.0"'])(
    "half written by a killed ADD, %s, is removed by DEL",
    (half) =>
      Effect.gen(function* () {
        const world = new PodWorld()
        const before = world.dump()
        yield* world.add(asked)
        world.files.remove(deviceInfoFile)
        world.files.put(`${deviceInfoFile}.new`, "file", half)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before)
      })
  )

  it.effect("fails CHECK without the annotation or the device information", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      yield* world.add(asked)
      yield* world.call("CHECK", asked)
      world.files.remove(deviceInfoFile)
      world.pod({ volumes: [hostPath(volume)] })
      const { code, msg } = yield* Effect.flip(world.call("CHECK", asked))
      assert.strictEqual(code, 105)
      assert.match(msg, /pod default\/web has no configuration data for net1/)
      assert.match(msg, /the device information .*web\.json is missing/)
    })
  )
})

describe("DEL finds what is left", () => {
  it.effect("with the records lost: in the pod's volume, or in kubelet's emptyDir", () =>
    Effect.gen(function* () {
      for (const [directory, source] of [
        [volume, hostPath(volume)],
        [emptyDir, { name: "shared-dir", emptyDir: {} }]
      ] as const) {
        const world = new PodWorld({ volumes: [source] })
        world.files.put(directory, "directory", "", 0o777)
        yield* world.add(asked)
        const socket = `${directory}/0958c8871b32-net1`
        world.files.put(socket, "socket")
        world.files.put(`${directory}/theirs`, "file")
        for (const name of world.files.names(`${stateDir}/attachments`))
          world.files.remove(`${stateDir}/attachments/${name}`)
        if (directory === emptyDir) world.cluster.delete("default", "web")
        yield* world.call("DEL", asked)
        assert.isUndefined(world.files.get(socket))
        assert.isDefined(world.files.get(`${directory}/theirs`))
        if (directory === volume) assert.deepStrictEqual(world.annotations(), { color: "blue" })
      }
    })
  )

  it.effect("with the pod's volume changed since: where ADD put it", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      yield* world.add(asked)
      const { "userspace/configuration-data": data = "", "userspace/mapped-dir": dir = "" } = world.annotations()
      world.files.put(`${volume}/0958c8871b32-net1`, "socket")
      const annotations = { "userspace/configuration-data": data, "userspace/mapped-dir": dir }
      world.pod({ annotations, volumes: [hostPath("/elsewhere")] })
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.files.names(volume), [])
      assert.deepStrictEqual(world.annotations(), {})
    })
  )

  it.effect("with the kubeconfig removed from the network, and the pod no longer named", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      yield* world.add(asked)
      const { kubeconfig: _, ...without } = conf
      yield* world.call("DEL", { conf: without })
      assert.deepStrictEqual(world.annotations(), { color: "blue" })
    })
  )
})

describe("GC", () => {
  const collect = { conf: { ...conf, cniVersion: "1.1.0", "cni.dev/valid-attachments": [] } }

  it.effect("removes the container config, with the volume's files, of a pod with a record", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      const before = world.dump()
      yield* world.add(asked)
      assert.notDeepEqual(world.dump(), before)
      yield* world.call("GC", collect)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("removes the container config of a pod that only its mark names", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      const before = world.annotations()
      yield* world.add(asked)
      for (const line of [...world.below(`${stateDir}/attachments`)].reverse())
        world.files.remove(line.split(" ")[0] ?? "")
      assert.isNotEmpty(world.elements())
      yield* world.call("GC", collect)
      assert.deepStrictEqual(world.annotations(), before)
      assert.notInclude(world.ovs.dump().join(), "usp")
      assert.deepStrictEqual(world.leases.dump(), [])
    })
  )

  it.effect("continues when the pod is gone, as for most stale attachments", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      yield* world.add(asked)
      world.cluster.delete("default", "web")
      yield* world.call("GC", collect)
      assert.notInclude(world.ovs.dump().join(), "usp")
      assert.deepStrictEqual(world.leases.dump(), [])
    })
  )
})
