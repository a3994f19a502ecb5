/** The behaviour of `SharedDir` on every layer of `Files`: it removes only its own files, and reports what exists. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type SharedDirUnderTest, site, tree } from "../shared-dir/support/SharedDirSite.ts"
import { suite } from "./Suite.ts"

export const sharedDirRemoves = suite<SharedDirUnderTest>("SharedDir, removing", (test) => {
  test("release removes all that was created, and succeeds again", () =>
    Effect.gen(function* () {
      const { place, sharedDir, socket } = yield* site
      const before = yield* tree
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      yield* sharedDir.writeConfig(place, "text")
      yield* socket(place.socketPath)
      yield* sharedDir.release(place, made)
      assert.deepStrictEqual(yield* tree, before)
      yield* sharedDir.release(place, made)
      yield* sharedDir.release(place, [])
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("release of what was never created changes nothing", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir } = yield* site
      yield* files.makeDirectory(`${base}/shared`, 0o755)
      const before = yield* tree
      yield* sharedDir.release(place, [place.directory])
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("release leaves an administrator's directories, also empty ones", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir } = yield* site
      yield* files.makeDirectory(`${base}/shared`, 0o755)
      yield* files.makeDirectory(place.directory, 0o755)
      const before = yield* tree
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      yield* sharedDir.writeConfig(place, "text")
      yield* sharedDir.release(place, made)
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("release leaves what others put there, and the directories above it", () =>
    Effect.gen(function* () {
      const { files, place, sharedDir } = yield* site
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      yield* files.create(`${place.directory}/application.log`, "mine", 0o644)
      const before = (yield* tree).filter((line) => !line.includes("/.userspace-cni-"))
      yield* sharedDir.writeConfig(place, "text")
      yield* sharedDir.release(place, made)
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("an attachment's empty directory stays when another attachment of the container is removed", () =>
    Effect.gen(function* () {
      const { at, sharedDir } = yield* site
      const before = yield* tree
      const [coming, going] = [at({ ifName: "net1" }), at({ ifName: "net10" })]
      const made = yield* sharedDir.inspect(going)
      yield* sharedDir.prepare(going)
      yield* sharedDir.writeConfig(going, "text")
      yield* sharedDir.prepare(coming)
      yield* sharedDir.release(going, made)
      yield* sharedDir.writeConfig(coming, "text")
      assert.strictEqual(yield* sharedDir.readConfig(coming), "text")
      yield* sharedDir.release(coming, [])
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("two attachments of a container share a directory; the last one removes it", () =>
    Effect.gen(function* () {
      const { at, sharedDir, socket } = yield* site
      const before = yield* tree
      const [one, ten] = [at({ ifName: "net1" }), at({ ifName: "net10" })]
      assert.strictEqual(one.directory, ten.directory)
      const madeOne = yield* sharedDir.inspect(one)
      yield* sharedDir.prepare(one)
      const madeTen = yield* sharedDir.inspect(ten)
      yield* sharedDir.prepare(ten)
      for (const place of [one, ten]) {
        yield* sharedDir.writeConfig(place, place.socketName)
        yield* socket(place.socketPath)
        yield* sharedDir.open(place)
      }
      yield* sharedDir.release(one, madeOne)
      assert.strictEqual(yield* sharedDir.readConfig(ten), ten.socketName)
      assert.deepStrictEqual(yield* sharedDir.verify(ten, { socket: true }), [])
      yield* sharedDir.release(ten, madeTen)
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("what a call that was killed at any step left is removed by name", () =>
    Effect.gen(function* () {
      const { files, place, sharedDir } = yield* site
      const before = yield* tree
      const made = yield* sharedDir.inspect(place)
      for (const directory of [...made].reverse()) yield* files.makeDirectory(directory, 0o755)
      yield* files.create(`${place.configPath}.new`, "hal", 0o600)
      yield* sharedDir.release(place, made)
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("verify names each missing file, and who cannot use the switch's socket", () =>
    Effect.gen(function* () {
      const { files, place, sharedDir, socket } = yield* site
      const missing = [{ what: `the shared directory ${place.directory} is missing` }]
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: true }), missing)
      yield* sharedDir.prepare(place)
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: false }), [])
      const forgotten = "forgotten" as const
      const withoutSocket = [{ what: `the socket ${place.socketPath} is missing`, kind: forgotten }]
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: true }), withoutSocket)
      yield* socket(place.socketPath)
      yield* sharedDir.open(place)
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: true }), [])
      yield* files.change(place.socketPath, "socket", { mode: 0o600 })
      const gid = (yield* files.lstat(place.socketPath))?.gid
      const words = `the socket ${place.socketPath} has mode 0600 of group ${gid}, not mode 0666`
      const closed = [{ what: words, kind: forgotten }]
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: true }), closed)
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: false }), [])
    }))
})

export const sharedDirTells = suite<SharedDirUnderTest>("SharedDir, reading", (test) => {
  test("published returns the container config below a base, as written", () =>
    Effect.gen(function* () {
      const { at, base, sharedDir } = yield* site
      assert.deepStrictEqual(yield* sharedDir.published(`${base}/shared`), [])
      const places = [at({}), at({ ifName: "net10" }), at({ containerId: "a" })]
      for (const place of places) {
        yield* sharedDir.prepare(place)
        assert.isUndefined((yield* sharedDir.published(`${base}/shared`)).find(({ text }) => text === place.configPath))
        yield* sharedDir.writeConfig(place, place.configPath)
      }
      const before = yield* tree
      const told = yield* sharedDir.published(`${base}/shared`)
      assert.deepStrictEqual(
        told
          .map(({ directory, handle, text }) => [`${base}/shared/${directory}/configData-${handle}.json`, text])
          .sort(),
        places.map(({ configPath }) => [configPath, configPath]).sort()
      )
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("published ignores directories without our mark, and other files", () =>
    Effect.gen(function* () {
      const { at, base, files, place, sharedDir, socket } = yield* site
      const shared = `${base}/shared`
      yield* sharedDir.prepare(place)
      yield* sharedDir.writeConfig(place, "ours")
      yield* files.create(`${place.configPath}.new`, "half", 0o644)
      yield* files.create(`${place.directory}/configuration.json`, "the application's", 0o644)
      yield* files.makeDirectory(`${place.directory}/configData-d.json`, 0o755)
      yield* files.symlink("/etc/passwd", `${place.directory}/configData-l.json`)
      yield* socket(`${place.directory}/configData-s.json`)
      yield* files.create(`${place.directory}/configData-big.json`, "x".repeat((1 << 20) + 1), 0o644)
      yield* files.create(`${shared}/a-file`, "", 0o644)
      yield* files.symlink(place.directory, `${shared}/aaaaaaaaaaaa`)
      const others = at({ containerId: "bbbbbbbbbbbb" })
      yield* files.makeDirectory(others.directory, 0o755)
      yield* files.create(others.configPath, "an administrator's, or the original's", 0o644)
      assert.deepStrictEqual(yield* sharedDir.published(shared), [
        { directory: "0958c8871b32", handle: "0958c8871b32-net1", text: "ours" }
      ])
    }))

  test("published limits what it reads of a container's files", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir } = yield* site
      yield* sharedDir.prepare(place)
      for (let index = 0; index < 300; index++) {
        yield* files.create(`${place.directory}/configData-${index}.json`, "", 0o644)
      }
      assert.lengthOf(yield* sharedDir.published(`${base}/shared`), 256)
    }))
})
