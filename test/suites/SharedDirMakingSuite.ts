/** What `SharedDir` creates on every layer of `Files`, with which modes, and what it refuses to create. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { type SharedDirUnderTest, site, tree } from "../shared-dir/support/SharedDirSite.ts"
import { suite } from "./Suite.ts"

const marked = "file 444  Made by the userspace CNI plugin, which removes it.\n"
const tenant = "/shared/0958c8871b32/.userspace-cni-0958c8871b32-net1 file 400  "

export const sharedDirMakes = suite<SharedDirUnderTest>("SharedDir, creating", (test) => {
  test("inspect lists missing directories, and creates none", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir } = yield* site
      const all = [`${base}/shared/0958c8871b32`, `${base}/shared`]
      assert.deepStrictEqual(yield* sharedDir.inspect(place), all)
      assert.isUndefined(yield* files.lstat(`${base}/shared`))
      yield* files.makeDirectory(`${base}/shared`, 0o700)
      assert.deepStrictEqual(yield* sharedDir.inspect(place), all.slice(0, 1))
      yield* sharedDir.prepare(place)
      assert.deepStrictEqual(yield* sharedDir.inspect(place), [])
    }))

  test("inspect resolves groups of the node, by name and by number", () =>
    Effect.gen(function* () {
      const { at, sharedDir } = yield* site
      for (const group of ["root", "0", "107"]) yield* sharedDir.inspect(at({ vhost: { group } }))
      const { code, cure, failed } = yield* Effect.flip(sharedDir.inspect(at({ vhost: { group: "no-such-group" } })))
      assert.strictEqual(code, ErrorCodes.InvalidConfiguration)
      assert.include(failed, "find the group no-such-group in /etc/group: not found")
      assert.include(cure, "host.vhost.group")
    }))

  test("prepare creates directories that everybody may enter and that have our mark", () =>
    Effect.gen(function* () {
      const { place, sharedDir } = yield* site
      yield* sharedDir.prepare(place)
      const all = yield* tree
      assert.deepStrictEqual(all.slice(1), [
        "/shared directory 755  ",
        `/shared/.userspace-cni ${marked}`,
        "/shared/0958c8871b32 directory 755  ",
        `/shared/0958c8871b32/.userspace-cni ${marked}`,
        tenant
      ])
      yield* sharedDir.prepare(place)
      assert.deepStrictEqual(yield* tree, all)
    }))

  test("prepare gives the attachment's directory, and no other, to the group; new files in it as well", () =>
    Effect.gen(function* () {
      const { at, base, files, gid, sharedDir } = yield* site
      const own = (yield* files.lstat(base))?.gid
      yield* sharedDir.prepare(at({ vhost: { group: String(gid) } }))
      const directories = (yield* tree).filter((line) => line.includes(" directory "))
      assert.deepStrictEqual(directories.slice(1), [
        "/shared directory 755  ",
        `/shared/0958c8871b32 directory 2770 ${gid === own ? "" : gid} `
      ])
    }))

  test("prepare uses an administrator's directory as it is, and marks only what it creates", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir } = yield* site
      yield* files.makeDirectory(`${base}/shared`, 0o711)
      yield* sharedDir.prepare(place)
      assert.deepStrictEqual((yield* tree).slice(1), [
        "/shared directory 711  ",
        "/shared/0958c8871b32 directory 755  ",
        `/shared/0958c8871b32/.userspace-cni ${marked}`,
        tenant
      ])
    }))

  test("a directory whose path is too long for a socket is reached through a short link", () =>
    Effect.gen(function* () {
      const { at, base, files, sharedDir } = yield* site
      const place = at({ sharedDir: `${base}/${"long/".repeat(20)}end` })
      assert.isAbove(Buffer.byteLength(place.socketPath), 107)
      assert.isAtMost(Buffer.byteLength(place.switchPath), 107)
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      assert.strictEqual(place.switchPath, `${place.link}/${place.socketName}`)
      assert.strictEqual(yield* files.readLink(place.link ?? ""), place.directory)
      yield* sharedDir.prepare(place)
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: false }), [])
      yield* sharedDir.release(place, made)
      assert.lengthOf(yield* tree, 1)
    }))

  test("a short link that leads elsewhere is replaced", () =>
    Effect.gen(function* () {
      const { at, base, files, sharedDir } = yield* site
      const place = at({ sharedDir: `${base}/${"long/".repeat(20)}end` })
      yield* sharedDir.prepare(place)
      yield* files.unlink(place.link ?? "")
      yield* files.symlink("/elsewhere", place.link ?? "")
      const wrong = yield* sharedDir.verify(place, { socket: false })
      assert.deepStrictEqual(wrong, [{ what: `the short link ${place.link} does not point to ${place.directory}` }])
      yield* sharedDir.prepare(place)
      assert.strictEqual(yield* files.readLink(place.link ?? ""), place.directory)
    }))

  test("a path that is too long even so is refused before anything is created", () =>
    Effect.gen(function* () {
      const { at, base, sharedDir } = yield* site
      const before = yield* tree
      const place = at({ sharedDir: `${base}/${"long/".repeat(20)}end`, vhost: { socketfile: "s".repeat(80) } })
      assert.isAbove(Buffer.byteLength(place.switchPath), 107)
      const { code, cure, failed } = yield* Effect.flip(sharedDir.prepare(place))
      assert.strictEqual(code, ErrorCodes.SocketPath)
      assert.include(failed, `${Buffer.byteLength(place.switchPath)} bytes`)
      assert.include(cure, "socketfile")
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("writeConfig writes the whole text, readable by everybody, and replaces it", () =>
    Effect.gen(function* () {
      const { files, place, sharedDir } = yield* site
      yield* sharedDir.prepare(place)
      assert.isUndefined(yield* sharedDir.readConfig(place))
      for (const text of ["first\n", `second, ${"x".repeat(100_000)}`]) {
        yield* sharedDir.writeConfig(place, text)
        assert.strictEqual(yield* sharedDir.readConfig(place), text)
        assert.strictEqual((yield* files.lstat(place.configPath))?.mode, 0o644)
      }
      yield* files.create(`${place.configPath}.new`, "left by a call that was killed", 0o600)
      yield* sharedDir.writeConfig(place, "third")
      assert.strictEqual(yield* sharedDir.readConfig(place), "third")
      assert.isUndefined(yield* files.lstat(`${place.configPath}.new`))
    }))

  test("publish gives the switch's socket a second name", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir, socket } = yield* site
      yield* sharedDir.prepare(place)
      yield* socket(`${base}/usp1`)
      yield* sharedDir.publish(place, `${base}/usp1`)
      assert.strictEqual((yield* files.lstat(place.socketPath))?.ino, (yield* files.lstat(`${base}/usp1`))?.ino)
      yield* sharedDir.open(place)
      assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: true }), [])
    }))

  test("republish replaces the old socket with the switch's new one, once", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir, socket } = yield* site
      yield* sharedDir.prepare(place)
      yield* socket(`${base}/usp1`)
      yield* sharedDir.publish(place, `${base}/usp1`)
      assert.isUndefined(yield* sharedDir.republish(place, `${base}/usp1`))
      yield* files.unlink(`${base}/usp1`)
      yield* socket(`${base}/usp1`)
      const own = yield* files.lstat(`${base}/usp1`)
      assert.notStrictEqual((yield* files.lstat(place.socketPath))?.ino, own?.ino)
      assert.strictEqual((yield* sharedDir.republish(place, `${base}/usp1`))?.ino, own?.ino)
      assert.strictEqual((yield* files.lstat(place.socketPath))?.ino, own?.ino)
      assert.isUndefined(yield* sharedDir.republish(place, `${base}/usp1`))
      yield* files.unlink(place.socketPath)
      assert.strictEqual((yield* sharedDir.republish(place, `${base}/usp1`))?.ino, own?.ino)
    }))

  test("withdraw removes the republished socket, not another, and an unused directory", () =>
    Effect.gen(function* () {
      const { base, files, place, sharedDir, socket } = yield* site
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      yield* sharedDir.writeConfig(place, "text")
      yield* files.unlink(place.configPath)
      yield* socket(`${base}/usp1`)
      const published = yield* sharedDir.republish(place, `${base}/usp1`)
      yield* files.unlink(place.socketPath)
      yield* socket(place.socketPath)
      yield* sharedDir.withdraw(place, made, published)
      assert.strictEqual((yield* files.lstat(place.socketPath))?.kind, "socket")
      const again = yield* sharedDir.republish(place, `${base}/usp1`)
      yield* sharedDir.withdraw(place, made, again)
      assert.isUndefined(yield* files.lstat(place.directory))
      yield* sharedDir.withdraw(place, made, again)
      yield* sharedDir.withdraw(place, made, undefined)
    }))

  test("open lets everybody connect, or the group alone", () =>
    Effect.gen(function* () {
      const { at, base, files, gid, sharedDir, socket } = yield* site
      const own = (yield* files.lstat(base))?.gid
      for (const [group, mode, owner] of [[undefined, 0o666, own] as const, [String(gid), 0o660, gid] as const]) {
        const place = at({ ifName: `net${mode}`, vhost: group === undefined ? {} : { group } })
        yield* sharedDir.prepare(place)
        yield* socket(place.socketPath)
        assert.isTrue(yield* sharedDir.open(place))
        assert.isFalse(yield* sharedDir.open(place))
        const status = yield* files.lstat(place.socketPath)
        assert.deepStrictEqual([status?.mode, status?.gid], [mode, owner])
      }
    }))

  test("writeConfig makes the file readable for everybody, or for the group alone, because it may hold a secret", () =>
    Effect.gen(function* () {
      const { at, base, files, gid, sharedDir } = yield* site
      const own = (yield* files.lstat(base))?.gid
      for (const [group, mode, owner] of [[undefined, 0o644, own] as const, [String(gid), 0o640, gid] as const]) {
        const place = at({ containerId: `c${mode}`, vhost: group === undefined ? {} : { group } })
        yield* sharedDir.prepare(place)
        for (const text of ["first", "second"]) {
          yield* sharedDir.writeConfig(place, text)
          const status = yield* files.lstat(place.configPath)
          assert.deepStrictEqual([status?.mode, status?.gid], [mode, owner])
        }
      }
    }))
})
