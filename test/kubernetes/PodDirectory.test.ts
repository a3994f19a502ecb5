/** The programs on a pod, in memory: which directories are used, and what is in them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { stateDir } from "../attachment/support/World.ts"
import { asked, conf, emptyDir, hostPath, PodWorld, uid, volume } from "./support/PodWorld.ts"

const configFile = "configData-0958c8871b32-net1.json"

const lines = (world: PodWorld, path: string) => world.below(path).map((line) => line.replace(/ \{.*/s, ""))

describe("the pod's directory", () => {
  it.effect("is used as it is, whatever the network's group, and has the file for the container", () =>
    Effect.gen(function* () {
      const world = new PodWorld()
      const before = lines(world, volume)
      yield* world.add(asked)
      assert.deepStrictEqual(lines(world, volume), [...before, `${volume}/${configFile} file 640 107`])
      const text = world.files.get(`${volume}/${configFile}`)?.content ?? ""
      assert.deepStrictEqual([JSON.parse(text)], world.elements())
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(lines(world, volume), before)
    })
  )

  it.effect("is created before the runtime does, and then stays for others", () =>
    Effect.gen(function* () {
      const world = new PodWorld({ volumes: [hostPath("/pods/new/dir")] })
      yield* world.add(asked)
      assert.deepStrictEqual(lines(world, "/pods/new"), [
        "/pods/new directory 755 0 ",
        "/pods/new/dir directory 2775 107 ",
        `/pods/new/dir/${configFile} file 640 107`
      ])
      yield* world.call("CHECK", asked)
      yield* world.call("DEL", asked)
      assert.lengthOf(lines(world, "/pods/new"), 2)
    })
  )

  it.effect("is not created when kubelet must create it", () =>
    Effect.gen(function* () {
      for (const source of [hostPath("/pods/new", "Directory"), { name: "shared-dir", emptyDir: {} }]) {
        const world = new PodWorld({ volumes: [source] })
        const before = world.dump()
        const error = yield* Effect.flip(world.call("ADD", asked))
        assert.match(error.msg, /shared directory: use \/.*: ENOENT/)
        assert.match(error.details, /kubelet creates a pod's volumes before/)
        assert.deepStrictEqual(world.dump(), before)
      }
    })
  )

  it.effect("of an emptyDir is reached through a short link, which is removed with the attachment", () =>
    Effect.gen(function* () {
      const world = new PodWorld({ volumes: [{ name: "shared-dir", emptyDir: { medium: "Memory" } }] })
      world.files.put(emptyDir, "directory", "", 0o777)
      yield* world.add(asked)
      const [link = ""] = world.files.names(`${stateDir}/links`).filter((name) => !name.startsWith("."))
      assert.strictEqual(world.files.get(`${stateDir}/links/${link}`)?.content, emptyDir)
      assert.include(world.ovs.dump().join("\n"), `${stateDir}/links/${link}/0958c8871b32-net1`)
      yield* world.call("DEL", asked)
      assert.isUndefined(world.files.get(`${stateDir}/links/${link}`))
      assert.strictEqual(world.files.get(emptyDir)?.kind, "directory")
    })
  )

  it.effect("is the network's when the pod has none, and without one there is none", () =>
    Effect.gen(function* () {
      const world = new PodWorld({ volumes: [] })
      const before = world.dump()
      const error = yield* Effect.flip(world.call("ADD", asked))
      assert.strictEqual(error.code, 7)
      assert.match(error.msg, /inspect pod default\/web: the pod has no volume named shared-dir/)
      const inNetwork = { ...asked, conf: { ...conf, sharedDir: "/shared" } }
      yield* world.add(inNetwork)
      assert.strictEqual(world.files.get("/shared/0958c8871b32")?.kind, "directory")
      assert.strictEqual(world.annotations()["userspace/mapped-dir"], "/run/shared/")
      yield* world.call("DEL", inNetwork)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("that is a file is an error", () =>
    Effect.gen(function* () {
      const world = new PodWorld({ volumes: [hostPath("/pods/file")] })
      world.files.put("/pods/file", "file")
      assert.match((yield* Effect.flip(world.call("ADD", asked))).msg, /\/pods\/file: ENOTDIR/)
    })
  )
})

describe("a pod with another UID in the API server than in the call", () => {
  const hash = "kubernetes.io/config.hash"
  const others = "11111111-8a9f-4c25-9c5e-1d2f3a4b5c6d"

  it.effect("that is a static pod's mirror has its emptyDir by the manifest's UID", () =>
    Effect.gen(function* () {
      const source = { name: "shared-dir", emptyDir: {} }
      const world = new PodWorld({ uid: others, annotations: { [hash]: uid }, volumes: [source] })
      world.files.put(emptyDir, "directory", "", 0o777)
      const before = world.dump()
      yield* world.add(asked)
      yield* world.call("CHECK", asked)
      const [link = ""] = world.files.names(`${stateDir}/links`).filter((name) => !name.startsWith("."))
      assert.strictEqual(world.files.get(`${stateDir}/links/${link}`)?.content, emptyDir)
      assert.lengthOf(world.elements() ?? [], 1)
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("that claims to be its predecessor reaches its own volume and annotations only", () =>
    Effect.gen(function* () {
      const world = new PodWorld({ uid: others, annotations: { [hash]: uid }, volumes: [hostPath("/pods/later")] })
      const of = [emptyDir, emptyDir.replace(uid, others), volume]
      for (const directory of of) world.files.put(directory, "directory", "", 0o777)
      const before = [of.map((path) => world.below(path)), world.annotations()]
      yield* world.add(asked)
      assert.deepStrictEqual([of.map((path) => world.below(path)), { [hash]: uid }], before)
      assert.isDefined(world.files.get("/pods/later"))
      yield* world.call("DEL", asked)
      assert.deepStrictEqual([of.map((path) => world.below(path)), world.annotations()], before)
    })
  )
})
