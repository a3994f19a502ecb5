/** What a container finds in the files of the shared directory, which others of the pod may have written. */
import { execFileSync } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cureForUntold, find, type SearchPaths } from "../../src/container/Discovery.ts"
import { found, names, other } from "./support/Finding.ts"
import { containerd, filesAt } from "./support/Mounts.ts"
import { configurationData, containerId, element, pod } from "./support/Pod.ts"

describe("files in the shared directory", () => {
  it.effect("have the same content, one interface each", () =>
    Effect.gen(function* () {
      const { directory, places, put } = yield* pod
      put(`configData-${containerId.slice(0, 12)}-net2.json`, `${JSON.stringify(element("net2"))}\n`)
      put(`configData-${containerId.slice(0, 12)}-net1.json`, JSON.stringify(element("net1")))
      put("configData-9c1f0b7a2d3e-net3.json.new", JSON.stringify(element("net3")))
      put("other.json", JSON.stringify(element("net4")))
      const seen = yield* found(places)
      assert.deepStrictEqual(names(seen), ["net1", "net2"])
      assert.deepStrictEqual(seen.problems, [])
      assert.strictEqual(seen.interfaces[0]?.socket, `${directory}/9c1f0b7a2d3e-net1`)
    })
  )

  it.effect("of devices of several resources are read, whichever of them USERSPACE_DIR names", () =>
    Effect.gen(function* () {
      const { directory, places } = yield* pod
      const mounts = "/var/run/userspace"
      for (const [resource, ifName] of [
        ["br-dpdk", "net1"],
        ["vpp", "net2"]
      ] as const) {
        mkdirSync(`${directory}/${resource}`)
        const vhost = { mode: "server", socketfile: ifName }
        writeFileSync(`${directory}/${resource}/configData-${ifName}.json`, JSON.stringify(element(ifName, { vhost })))
      }
      for (const resource of ["br-dpdk", "vpp"]) {
        const seen = yield* find({ ...places, directory: `${mounts}/${resource}` }).pipe(
          Effect.provide(filesAt(mounts, directory))
        )
        assert.deepStrictEqual(seen.problems, [])
        assert.deepStrictEqual(
          seen.interfaces.map(({ socket }) => socket),
          [`${mounts}/br-dpdk/net1`, `${mounts}/vpp/net2`]
        )
      }
    })
  )

  it.effect("have lower priority than the annotation", () =>
    Effect.gen(function* () {
      const { annotate, places, put } = yield* pod
      annotate(configurationData(element("net1")))
      put("configData-a.json", JSON.stringify(element("net1", { mac: "02:00:00:00:00:aa" })))
      put("configData-b.json", JSON.stringify(element("net2", {}, { containerId: other })))
      const { interfaces } = yield* found(places)
      assert.deepStrictEqual(names({ interfaces }), ["net1"])
      assert.strictEqual(interfaces[0]?.mac, "02:00:00:00:00:01")
    })
  )

  it.effect("of several containers belong to nobody until one is named", () =>
    Effect.gen(function* () {
      const { places, put } = yield* pod
      put("configData-a.json", JSON.stringify(element("net1")))
      put("configData-b.json", JSON.stringify(element("net2", {}, { containerId: other })))
      const { interfaces, problems } = yield* found(places)
      assert.deepStrictEqual(interfaces, [])
      assert.include(problems.join(), "--container-id")
      assert.deepStrictEqual(names(yield* found({ ...places, containerId: "9c1f" })), ["net1"])
    })
  )

  const mounted = (id: string) => (places: SearchPaths) =>
    found(places, `812 790 0:52 /lib/runtime/${id}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n`)

  it.effect("of several containers are distinguished by the sandbox of this container's mounts", () =>
    Effect.gen(function* () {
      const { places, put } = yield* pod
      put("configData-a.json", JSON.stringify(element("net1")))
      put("configData-b.json", JSON.stringify(element("net2", {}, { containerId: other })))
      assert.deepStrictEqual(names(yield* mounted(other)(places)), ["net2"])
      assert.deepStrictEqual(names(yield* mounted(containerId)(places)), ["net1"])
      assert.deepStrictEqual(names(yield* mounted("neither")(places)), [])
    })
  )

  it.effect("of another sandbox than that of the mounts are reported and not used", () =>
    Effect.gen(function* () {
      const { annotate, places, put } = yield* pod
      const id = "1234567890abcdef".repeat(4)
      annotate(configurationData(element("net1")))
      put("configData-b.json", JSON.stringify(element("net1", {}, { containerId: other })))
      const early = yield* found(places, containerd(id))
      assert.deepStrictEqual([early.interfaces, early.sandbox, early.others], [[], { id, source: "mounts" }, true])
      assert.deepStrictEqual(early.problems, [
        "annotation userspace/configuration-data: net1 of an earlier sandbox, 9c1f0b7a2d3e; this container is in sandbox 1234567890ab",
        "configData-*.json of other sandboxes only, ffffffffffff; this container is in sandbox 1234567890ab"
      ])
      assert.include(cureForUntold(early), "userspace container wait")
      put("configData-c.json", JSON.stringify(element("net1", { mac: "02:00:00:00:00:cc" }, { containerId: id })))
      const own = yield* found(places, containerd(id))
      assert.deepStrictEqual(
        own.interfaces.map(({ mac }) => mac),
        ["02:00:00:00:00:cc"]
      )
      assert.deepStrictEqual(own.problems, [])
    })
  )

  it.effect("are found one level down, where a pod mounts the directory of all containers", () =>
    Effect.gen(function* () {
      const { directory, places } = yield* pod
      const mine = `${directory}/${containerId.slice(0, 12)}`
      for (const id of [containerId, other]) mkdirSync(`${directory}/${id.slice(0, 12)}`)
      writeFileSync(`${mine}/configData-a.json`, JSON.stringify(element("net1")))
      writeFileSync(`${mine}/configData-foreign.json`, JSON.stringify(element("net8", {}, { containerId: "else" })))
      writeFileSync(
        `${directory}/ffffffffffff/configData-b.json`,
        JSON.stringify(element("net2", {}, { containerId: other }))
      )
      symlinkSync(mine, `${directory}/link`)
      const { directories, interfaces, problems } = yield* mounted(containerId)(places)
      assert.deepStrictEqual(names({ interfaces }), ["net1"])
      assert.strictEqual(interfaces[0]?.socket, `${mine}/9c1f0b7a2d3e-net1`)
      assert.include(directories, mine)
      assert.deepStrictEqual(problems, [`${mine}/configData-foreign.json: not of the container 9c1f0b7a2d3e`])
    })
  )

  it.effect("are read only when they are regular files of limited size", () =>
    Effect.gen(function* () {
      const { directory, places, put, root } = yield* pod
      put("configData-big.json", " ".repeat(1 << 20))
      put("configData-half.json", JSON.stringify(element("net2")).slice(0, 50))
      put("configData-\x1b[2J.json", "{")
      writeFileSync(`${root}/secret`, JSON.stringify(element("net9")))
      symlinkSync(`${root}/secret`, `${directory}/configData-link.json`)
      symlinkSync("/dev/zero", `${directory}/configData-zero.json`)
      execFileSync("mkfifo", [`${directory}/configData-pipe.json`])
      put("configData-z.json", JSON.stringify(element("net1")))
      const { interfaces, problems } = yield* found(places)
      assert.deepStrictEqual(names({ interfaces }), ["net1"])
      const about = (name: string) => problems.find((problem) => problem.includes(name))?.split(": ")[1]
      assert.deepStrictEqual(["big", "half", "link", "zero", "pipe"].map(about), [
        "too large",
        "not JSON, or truncated",
        "a symbolic link, which is not followed",
        "a symbolic link, which is not followed",
        "not a regular file"
      ])
      assert.strictEqual(problems.length, 5)
    })
  )

  it.effect("are not read without end", () =>
    Effect.gen(function* () {
      const { places, put } = yield* pod
      for (let n = 100; n < 400; n++) put(`configData-${n}.json`, JSON.stringify(element(`net${n}`)))
      const { interfaces, problems } = yield* found(places)
      assert.strictEqual(interfaces.length, 256)
      assert.include(problems.join(), "the rest is ignored")
    })
  )
})
