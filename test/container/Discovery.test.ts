/**
 * What a container finds in annotations and device information as in a pod, and in badly made ones.
 * `DiscoveryFiles.test.ts` has the files in the shared directory.
 */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { defaultDirectory } from "../../src/container/Discovery.ts"
import { found, names, other } from "./support/Finding.ts"
import { configurationData, element, pod } from "./support/Pod.ts"

describe("annotations", () => {
  it.effect("describe each interface, in the order of their numbers", () =>
    Effect.gen(function* () {
      const { annotateText, places } = yield* pod
      annotateText(readFileSync(`${import.meta.dirname}/fixtures/annotations.txt`, "utf8"))
      const { interfaces, problems } = yield* found({ ...places, directory: undefined })
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(
        interfaces.map(({ addresses, kind, mac, mtu, name, network, socket }) => [
          name,
          network,
          kind,
          socket,
          mac,
          mtu,
          ...addresses.map(({ address, gateway }) => `${address} ${gateway}`)
        ]),
        [
          [
            "net1",
            "userspace-ovs-net1",
            "vhost-user",
            `${defaultDirectory}/9c1f0b7a2d3e-net1`,
            "02:00:00:00:00:11",
            undefined,
            "10.56.0.2/24 10.56.0.1"
          ],
          [
            "net3",
            "default/other-memif",
            "memif",
            "/run/other/memif.sock",
            "02:00:00:00:00:13",
            1400,
            "10.9.0.3 10.9.0.1",
            "fd00:9::3 fd00:9::1"
          ],
          [
            "net10",
            "userspace-ovs-net10",
            "vhost-user",
            `${defaultDirectory}/9c1f0b7a2d3e-net10`,
            "02:00:00:00:00:12",
            9000,
            "10.56.0.3/24 10.56.0.1"
          ]
        ]
      )
      assert.deepInclude(interfaces[2], {
        queues: 4,
        mode: "server",
        routes: [{ dst: "0.0.0.0/0", gateway: undefined }]
      })
    })
  )

  it.effect("name the directory, unless a flag names one", () =>
    Effect.gen(function* () {
      const { annotate, directory, places } = yield* pod
      annotate({ ...configurationData(element("net1")), "userspace/mapped-dir": "/mapped/" })
      const [told] = (yield* found({ ...places, directory: undefined })).interfaces
      assert.strictEqual(told?.socket, "/mapped/9c1f0b7a2d3e-net1")
      const [named] = (yield* found(places)).interfaces
      assert.strictEqual(named?.socket, `${directory}/9c1f0b7a2d3e-net1`)
    })
  )

  for (const directory of ["relative", "/a/../../etc", "/\x1b[2J", ""]) {
    it.effect(`are not followed to ${JSON.stringify(directory)}`, () =>
      Effect.gen(function* () {
        const { annotate, places } = yield* pod
        annotate({ ...configurationData(element("net1")), "userspace/mapped-dir": directory })
        const { interfaces, problems } = yield* found({ ...places, directory: undefined })
        assert.strictEqual(interfaces[0]?.socket, `${defaultDirectory}/9c1f0b7a2d3e-net1`)
        assert.include(problems.join(), "is not an absolute path")
      })
    )
  }

  it.effect("of a pod whose sandbox was recreated describe the last one", () =>
    Effect.gen(function* () {
      const { annotate, places } = yield* pod
      const old = element("net1", { mac: "02:00:00:00:00:aa" }, { containerId: other })
      const gone = element("net7", {}, { containerId: other })
      annotate(configurationData(old, gone, element("net1"), element("net2")))
      const both = yield* found(places)
      assert.deepStrictEqual(names(both), ["net1", "net2"])
      assert.strictEqual(both.interfaces[0]?.mac, "02:00:00:00:00:01")
      assert.deepStrictEqual(names(yield* found({ ...places, containerId: other.slice(0, 4) })), ["net1", "net7"])
    })
  )

  it.effect("appended twice, as by the original plugin, count once: the last", () =>
    Effect.gen(function* () {
      const { annotate, places } = yield* pod
      annotate(configurationData(element("net1", { mac: "02:00:00:00:00:aa" }), element("net1")))
      assert.deepStrictEqual(
        (yield* found(places)).interfaces.map(({ mac }) => mac),
        ["02:00:00:00:00:01"]
      )
    })
  )
})

describe("device information", () => {
  it.effect("in a file describes the interface for which it was named, and completes other sources", () =>
    Effect.gen(function* () {
      const { annotate, places, root } = yield* pod
      const status = [{ name: "default/x", interface: "net5", ips: ["10.0.0.5"], mac: "02:00:00:00:00:05" }]
      writeFileSync(
        `${root}/device.json`,
        JSON.stringify({ type: "memif", version: "1.1.0", memif: { role: "master", path: "/run/m.sock", mode: "ip" } })
      )
      annotate({ "k8s.v1.cni.cncf.io/network-status": JSON.stringify(status) })
      const { interfaces, problems } = yield* found({ ...places, deviceInfo: { net5: `${root}/device.json` } })
      assert.deepStrictEqual(problems, [])
      assert.deepInclude(interfaces[0], {
        name: "net5",
        kind: "memif",
        role: "master",
        mode: "ip",
        socket: "/run/m.sock",
        mac: "02:00:00:00:00:05",
        addresses: [{ address: "10.0.0.5", gateway: undefined }]
      })
    })
  )

  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ["not vhost-user or memif", { type: "pci", pci: { "pci-address": "0000:18:02.5" } }],
    ["not an absolute path", { type: "vhost-user", "vhost-user": { mode: "server", path: "../x" } }],
    ["not an absolute path", { type: "memif" }],
    ["not client or server", { type: "vhost-user", "vhost-user": { mode: "x", path: "/x" } }],
    ["not device information", []]
  ]
  for (const [why, value] of cases) {
    it.effect(`that is ${why} is reported: ${JSON.stringify(value)}`, () =>
      Effect.gen(function* () {
        const { places, root } = yield* pod
        writeFileSync(`${root}/device.json`, JSON.stringify(value))
        const { interfaces, problems } = yield* found({ ...places, deviceInfo: { net5: `${root}/device.json` } })
        assert.deepStrictEqual(interfaces, [])
        assert.include(problems.join(), why)
      })
    )
  }
})

describe("nothing", () => {
  it.effect("is found without sources, and the searched places are listed", () =>
    Effect.gen(function* () {
      const { directory, places } = yield* pod
      rmSync(directory, { recursive: true })
      const { interfaces, looked, problems } = yield* found(places)
      assert.deepStrictEqual([interfaces, problems], [[], []])
      assert.deepStrictEqual(looked, [
        `annotations ${places.annotations}: not found`,
        `shared directory ${directory}: not found`
      ])
    })
  )

  it.effect("is found in annotations that refer to each other in a circle", () =>
    Effect.gen(function* () {
      const { places, root } = yield* pod
      symlinkSync("b", `${root}/a`)
      symlinkSync("a", `${root}/b`)
      const { interfaces, problems } = yield* found({ ...places, annotations: `${root}/a` })
      assert.deepStrictEqual(interfaces, [])
      assert.include(problems.join(), "link")
    })
  )
})
