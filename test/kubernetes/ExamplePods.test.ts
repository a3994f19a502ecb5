/**
 * The pods of `examples/kubernetes`: their networks are added as Multus adds them, their containers find the container
 * config, and their resource requests are consistent.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { defaultSearchPaths } from "../../src/container/index.ts"
import { mappedDirOf, volumeOf } from "../../src/container-config/PodContainerConfig.ts"
import { run } from "../container/support/Command.ts"
import { annotationFile } from "../container/support/Pod.ts"
import { accept } from "../docs/support/Accept.ts"
import { read } from "../docs/support/Markdown.ts"
import { temporaryDirectory } from "../vpp/support/TestVpp.ts"
import { exampleNode, whereabouts } from "./support/ExampleNode.ts"
import { configMaps, type ExamplePod, networkNamed, networks, pods } from "./support/ExamplePods.ts"

const Answer = Schema.decodeUnknownSync(
  Schema.Struct({
    interfaces: Schema.Array(Schema.Struct({ name: Schema.String, mac: Schema.String })),
    ips: Schema.optionalKey(Schema.Array(Schema.Struct({ address: Schema.String })))
  })
)

const Recorded = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Schema.Struct({ asked: Schema.Unknown, answer: Schema.Unknown })))
)

const containerOf = ({ spec }: ExamplePod) => spec.containers[0]

const mountOf = (pod: ExamplePod, volume: string) =>
  containerOf(pod).volumeMounts.find(({ name }) => name === volume)?.mountPath ?? ""

/** Adds every network of the pod; at the end of the scope nothing is left of it, or the test fails. */
const attached = Effect.fnUntraced(function* (pod: ExamplePod) {
  const node = yield* exampleNode(pod)
  const before = [node.switches(), node.annotations()]
  const added = yield* Effect.forEach(pod.selections, (selection) =>
    Effect.map(node.call("ADD", selection), (document) => ({ selection, document, ...Answer(document) }))
  )
  yield* Effect.forEach(added, ({ document, selection }) => node.call("CHECK", selection, document))
  const annotations = node.annotations()
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      yield* Effect.forEach(added, ({ document, selection }) => node.call("DEL", selection, document))
      assert.deepStrictEqual([node.switches(), node.annotations()], before)
    }).pipe(Effect.orDie)
  )
  return { ...node, annotations, added }
})

/** The file of its annotations, as the container has it. */
const podinfo = Effect.fnUntraced(function* (annotations: Readonly<Record<string, string>>) {
  const file = `${yield* temporaryDirectory}/annotations`
  writeFileSync(file, annotationFile(annotations))
  return file
})

describe("the networks", () => {
  for (const { file, metadata, spec } of networks) {
    it(`${metadata.name} in ${file} is accepted, without a warning, and called as its definition is`, () => {
      const { warnings } = Result.getOrThrow(accept(spec.config))
      assert.deepStrictEqual(warnings, [])
      assert.strictEqual(spec.config.name, metadata.name)
    })
  }

  it.live("the one on whereabouts gives addresses of both families, and both gateways", () =>
    Effect.gen(function* () {
      const pod = pods.find(({ name }) => name === "testpmd-rx")
      assert.isDefined(pod)
      const selections = [{ name: "userspace-dual-stack", ifName: "net1" }]
      const { added, annotations, warnings } = yield* attached({ ...pod, selections })
      assert.deepStrictEqual(
        added.flatMap(({ ips = [] }) => ips.map(({ address }) => address)),
        ["10.56.222.2/24", "fd00:56:222::2/64"]
      )
      assert.deepStrictEqual(warnings, [])
      const { out } = yield* run(["show", "--annotations", yield* podinfo(annotations)])
      for (const word of ["10.56.222.2/24", "fd00:56:222::2/64"]) assert.include(out, word)
      // No pod has a gateway's address.
      assert.include(out, "route 0.0.0.0/0 via 10.56.222.1\n")
      assert.include(out, "route ::/0 via fd00:56:222::1\n")
    })
  )
})

describe("the double of whereabouts", () => {
  // The first answers of the real one, 0.9.2, each with empty pools on a small API server.
  const recorded = Recorded(readFileSync(`${import.meta.dirname}/fixtures/whereabouts.json`, "utf8"))

  it("has a recording", () => assert.isNotEmpty(recorded))

  it.effect.each(recorded)("answers %j as the real one", ({ answer, asked }) =>
    Effect.gen(function* () {
      const { stdout } = yield* whereabouts({ env: { CNI_COMMAND: "ADD" }, stdin: JSON.stringify({ ipam: asked }) })
      assert.deepStrictEqual(JSON.parse(stdout), answer)
    })
  )
})

for (const pod of pods) {
  const container = containerOf(pod)

  describe(`pod ${pod.name} in ${pod.file}`, () => {
    it.live("gets what its annotation requests, finds it where it searches, and leaves nothing", () =>
      Effect.gen(function* () {
        const { added, annotations, document, warnings } = yield* attached(pod)
        assert.deepStrictEqual(warnings, [])
        assert.strictEqual(Result.getOrThrow(volumeOf(document(), "u"))?.maker, "kubelet")
        assert.deepStrictEqual(mappedDirOf(document()), Result.succeed(`${mountOf(pod, "shared-dir")}/`))
        for (const { interfaces, selection } of added) {
          assert.deepStrictEqual(
            interfaces.map(({ name }) => name),
            [selection.ifName]
          )
          if (selection.mac !== undefined) assert.strictEqual(interfaces[0]?.mac, selection.mac)
        }
        const { err, failed, out } = yield* run(["show", "--annotations", yield* podinfo(annotations)])
        assert.isFalse(failed)
        assert.match(
          err,
          /^\S+ does not name this container's sandbox: assuming the newest one in the annotations, 3f1c9a0b2d4e/
        )
        assert.notInclude(err, "\n")
        for (const { selection } of added) {
          assert.match(out, new RegExp(`^${selection.ifName} +${selection.name} `, "m"))
        }
        assert.include(out, `  ${mountOf(pod, "shared-dir")}/`)
      })
    )

    it("has the annotations where the container's end looks for them", () => {
      const volume = pod.spec.volumes.find(({ downwardAPI }) => downwardAPI !== undefined)
      const item = volume?.downwardAPI?.items.find(({ fieldRef }) => fieldRef.fieldPath === "metadata.annotations")
      assert.strictEqual(`${mountOf(pod, volume?.name ?? "")}/${item?.path}`, defaultSearchPaths.annotations)
    })

    it("mounts hugepages of the requested size, with enough memory", () => {
      const { limits } = container.resources
      const sizes = Object.keys(limits).flatMap((key) => /^hugepages-(.*)$/.exec(key)?.[1] ?? [])
      const volumes = pod.spec.volumes.flatMap(({ emptyDir, name }) =>
        emptyDir?.medium?.startsWith("HugePages") ? [{ name, medium: emptyDir.medium }] : []
      )
      const [size] = sizes
      assert.lengthOf(sizes, 1)
      assert.isDefined(size)
      assert.include([["HugePages"], [`HugePages-${size}`]].flat(), volumes.map(({ medium }) => medium).join())
      assert.strictEqual(mountOf(pod, volumes[0]?.name ?? ""), "/dev/hugepages")
      assert.strictEqual(bytes(limits[`hugepages-${size}`]) % bytes(size), 0)
      // Kubernetes allows hugepages only with a memory or CPU request.
      assert.isAbove(bytes(limits["memory"]), 0)
    })

    it("mounts only volumes that it has, and needs no registry for an image of this repository", () => {
      const volumes = pod.spec.volumes.map(({ name }) => name)
      assert.deepStrictEqual(container.volumeMounts.map(({ name }) => name).sort(), [...volumes].sort())
      assert.match(container.image, /^localhost\/userspace-(testpmd|vpp)$/)
      assert.strictEqual(container.imagePullPolicy, "IfNotPresent")
    })
  })
}

const units = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 } as const

const bytes = (quantity = ""): number => {
  const [, number = "0", unit = "Ki"] = /^(\d+)(Ki|Mi|Gi)$/.exec(quantity) ?? []
  return Number(number) * (unit === "Gi" ? units.Gi : unit === "Mi" ? units.Mi : units.Ki)
}

const named = (name: string): ExamplePod => {
  const found = pods.find((pod) => pod.name === name)
  assert.isDefined(found)
  return found
}

describe("pods that communicate", () => {
  it("the sender sends to the MAC address that the receiver requests, on one network", () => {
    const [receiver, sender] = [named("testpmd-rx"), named("testpmd-tx")]
    const [to, from] = [receiver, sender].map(({ selections }) => selections[0])
    assert.isDefined(to?.mac)
    assert.include(containerOf(sender).args ?? [], `--eth-peer=0,${to.mac}`)
    assert.notStrictEqual(from?.mac, to.mac)
    assert.strictEqual(from?.name, to.name)
    assert.isTrue(networkNamed(to.name).capabilities?.["mac"])
  })

  it("the forwarder waits for all of its interfaces, which are in two VLANs of one bridge", () => {
    const forwarder = named("forwarder")
    const names = forwarder.selections.map(({ ifName }) => ifName).join()
    assert.deepInclude(containerOf(forwarder).env ?? [], { name: "INTERFACES", value: names })
    const ports = forwarder.selections.map(({ name }) => Result.getOrThrow(accept(networkNamed(name))).port)
    assert.deepStrictEqual(
      ports.map((port) => (port.engine === "ovs-dpdk" ? [port.bridge, port.vlan] : [])),
      [
        ["br-userspace", 100],
        ["br-userspace", 200]
      ]
    )
  })

  it("the node of the examples has hugepages for them and for a switch", () => {
    const [, pages = "0"] = /^vm\.nr_hugepages = (\d+)$/m.exec(read("examples/node/80-hugepages.conf")) ?? []
    const asked = pods.map((pod) => bytes(containerOf(pod).resources.limits["hugepages-2Mi"]))
    const all = asked.reduce((sum, one) => sum + one, 0)
    assert.isAbove(all, 0)
    assert.isAtLeast(Number(pages) * bytes("2Mi"), all + bytes("1Gi"))
  })
})

describe("VPP's configuration in the pods", () => {
  const ofVpp = pods.filter(({ spec }) => spec.containers[0].image.endsWith("-vpp"))

  it("is examples/vpp/pod.conf, where the container's command takes it from", () => {
    const [map] = configMaps
    assert.lengthOf(configMaps, 1)
    assert.deepStrictEqual(map?.data, { "startup.conf": read("examples/vpp/pod.conf") })
    assert.lengthOf(ofVpp, 2)
    for (const pod of ofVpp) {
      const volume = pod.spec.volumes.find(({ configMap }) => configMap !== undefined)
      assert.strictEqual(volume?.configMap?.name, map?.metadata.name)
      assert.include(containerOf(pod).args?.join(), `vpp -c ${mountOf(pod, volume?.name ?? "")}/startup.conf`)
    }
  })

  it("needs fewer hugepages than the pods ask for", () => {
    const [, buffers = "0"] = /buffers-per-numa (\d+)/.exec(read("examples/vpp/pod.conf")) ?? []
    // 2 KiB of data, 256 bytes of headroom, and a cache line.
    const needed = Number(buffers) * (2048 + 256 + 128)
    assert.isAbove(needed, 0)
    for (const pod of ofVpp) assert.isAtLeast(bytes(containerOf(pod).resources.limits["hugepages-2Mi"]), needed)
  })
})
