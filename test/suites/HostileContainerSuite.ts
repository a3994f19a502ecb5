/**
 * A container can write in the directory that it shares with the host, as root in it also in place of our files. No
 * file that it creates there is followed, read as ours, or keeps a DEL from completing.
 */
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { marker } from "../../src/shared-dir/Directories.ts"
import type { SocketPaths } from "../../src/shared-dir/SocketPaths.ts"
import { type SharedDirUnderTest, site, tree } from "../shared-dir/support/SharedDirSite.ts"
import { suite } from "./Suite.ts"

/** A prepared attachment, and files that must not change: a file and a socket of somebody else's. */
const prey = Effect.gen(function* () {
  const made = yield* site
  const { base, files, sharedDir, socket } = made
  yield* files.makeDirectory(`${base}/prey`, 0o700)
  yield* files.create(`${base}/prey/shadow`, "secret", 0o600)
  yield* socket(`${base}/prey/docker.sock`)
  const directories = yield* sharedDir.inspect(made.place)
  yield* sharedDir.prepare(made.place)
  const untouched = Effect.gen(function* () {
    const lines = (yield* tree).filter((line) => line.startsWith("/prey"))
    assert.lengthOf(lines, 3)
    assert.include(lines[1], "socket")
    assert.strictEqual(lines[2], "/prey/shadow file 600  secret")
    return lines
  })
  const before = yield* untouched
  const stillUntouched = Effect.map(untouched, (after) => assert.deepStrictEqual(after, before))
  return {
    ...made,
    directories,
    stillUntouched,
    victim: `${base}/prey/shadow`,
    victimSocket: `${base}/prey/docker.sock`
  }
})

/** In the form of a pod's volume. */
const moved = (place: SocketPaths, directory: string): SocketPaths => ({
  ...place,
  directory,
  socketPath: `${directory}/${place.socketName}`,
  configPath: `${directory}/${basename(place.configPath)}`,
  volume: "kubelet"
})

/** Our names in the directory. */
const ours = ["configPath", "newConfigPath", "socketPath"] as const

const pathOf = (place: { readonly configPath: string; readonly socketPath: string }, name: (typeof ours)[number]) =>
  name === "newConfigPath" ? `${place.configPath}.new` : place[name]

export const hostileContainer =
  suite<SharedDirUnderTest>("SharedDir, with a container that plants links and files", (test) => {
    test("writeConfig replaces a planted link and follows none", () =>
      Effect.gen(function* () {
        const { files, place, sharedDir, stillUntouched, victim } = yield* prey
        yield* files.symlink(victim, place.configPath)
        yield* files.symlink(victim, `${place.configPath}.new`)
        yield* sharedDir.writeConfig(place, "text")
        assert.strictEqual((yield* files.lstat(place.configPath))?.kind, "file")
        assert.strictEqual(yield* sharedDir.readConfig(place), "text")
        yield* stillUntouched
      }))

    test("writeConfig does not write into a planted directory, and reports it", () =>
      Effect.gen(function* () {
        const { files, place, sharedDir } = yield* prey
        yield* files.makeDirectory(place.configPath, 0o755)
        const { cure, failed } = yield* Effect.flip(sharedDir.writeConfig(place, "text"))
        assert.include(failed, place.configPath)
        assert.notStrictEqual(cure, "")
        assert.isUndefined(yield* files.lstat(`${place.configPath}.new`))
        assert.deepStrictEqual(yield* files.list(place.configPath), [])
      }))

    test("open changes a socket only, and nothing through a link", () =>
      Effect.gen(function* () {
        const { files, place, sharedDir, stillUntouched, victim, victimSocket } = yield* prey
        for (const target of [victim, victimSocket, "/etc/passwd"]) {
          yield* files.symlink(target, place.socketPath)
          const { answer, cure } = yield* Effect.flip(sharedDir.open(place))
          assert.strictEqual(answer, "EINVAL")
          assert.include(cure, "Remove what is at that path")
          yield* files.unlink(place.socketPath)
        }
        yield* files.create(place.socketPath, "", 0o600)
        assert.strictEqual((yield* Effect.flip(sharedDir.open(place))).answer, "EINVAL")
        yield* stillUntouched
      }))

    test("publish replaces nothing that exists", () =>
      Effect.gen(function* () {
        const { base, files, place, sharedDir, socket, stillUntouched, victim } = yield* prey
        yield* socket(`${base}/usp1`)
        yield* files.symlink(victim, place.socketPath)
        const { answer, cure } = yield* Effect.flip(sharedDir.publish(place, `${base}/usp1`))
        assert.strictEqual(answer, "EEXIST")
        assert.include(cure, "Remove what is at that path")
        yield* stillUntouched
      }))

    test("prepare gives no other directory to the group", () =>
      Effect.gen(function* () {
        const { at, base, files, gid, sharedDir, stillUntouched } = yield* prey
        const place = at({ ifName: "net2", containerId: "another", vhost: { group: String(gid) } })
        yield* files.symlink(`${base}/prey`, place.directory)
        assert.strictEqual((yield* Effect.flip(sharedDir.prepare(place))).answer, "ENOTDIR")
        yield* stillUntouched
      }))

    test("only a file of ours is read as ours", () =>
      Effect.gen(function* () {
        const { files, place, sharedDir, socket, stillUntouched, victim } = yield* prey
        yield* files.symlink(victim, place.configPath)
        assert.isUndefined(yield* sharedDir.readConfig(place))
        yield* files.unlink(place.configPath)
        yield* files.makeDirectory(place.configPath, 0o755)
        assert.isUndefined(yield* sharedDir.readConfig(place))
        yield* files.removeDirectory(place.configPath)
        yield* socket(place.configPath)
        assert.isUndefined(yield* sharedDir.readConfig(place))
        yield* files.unlink(place.configPath)
        yield* files.create(place.configPath, "x".repeat((1 << 20) + 1), 0o644)
        assert.isUndefined(yield* sharedDir.readConfig(place))
        yield* stillUntouched
      }))

    for (const name of ours) {
      test(`release removes a link at ${name}, not its target`, () =>
        Effect.gen(function* () {
          const { directories, files, place, sharedDir, stillUntouched, victim } = yield* prey
          yield* files.symlink(victim, pathOf(place, name))
          yield* sharedDir.release(place, directories)
          assert.isUndefined(yield* files.lstat(place.directory))
          yield* stillUntouched
        }))
    }

    for (const name of ours) {
      test(`release completes with a directory at ${name}, and removes nothing in it`, () =>
        Effect.gen(function* () {
          const { directories, files, place, sharedDir } = yield* prey
          yield* files.makeDirectory(pathOf(place, name), 0o755)
          yield* files.create(`${pathOf(place, name)}/inside`, "", 0o644)
          yield* sharedDir.release(place, directories)
          assert.deepStrictEqual(yield* files.list(pathOf(place, name)), ["inside"])
        }))
    }

    test("release completes with a directory in place of our mark", () =>
      Effect.gen(function* () {
        const { directories, files, place, sharedDir } = yield* prey
        yield* files.unlink(`${place.directory}/${marker}`)
        yield* files.makeDirectory(`${place.directory}/${marker}`, 0o755)
        yield* sharedDir.release(place, directories)
        yield* sharedDir.release(place, [])
        assert.deepStrictEqual(yield* files.list(place.directory), [marker])
      }))

    test("release removes a link in place of the directory, and nothing behind it", () =>
      Effect.gen(function* () {
        const { base, directories, files, place, sharedDir, stillUntouched } = yield* prey
        yield* files.rename(place.directory, `${base}/moved`)
        yield* files.symlink(`${base}/prey`, place.directory)
        assert.isUndefined(yield* sharedDir.readConfig(place))
        assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: false }), [
          { what: `the shared directory ${place.directory} is missing` }
        ])
        yield* sharedDir.release(place, directories)
        assert.isUndefined(yield* files.lstat(`${base}/shared`))
        yield* stillUntouched
      }))

    test("an emptyDir must be kubelet's own directory; a hostPath may be an administrator's link", () =>
      Effect.gen(function* () {
        const { base, files, place, sharedDir, stillUntouched } = yield* prey
        const volumes = `${base}/pods/uid/volumes/kubernetes.io~empty-dir`
        for (const directory of [`${base}/pods`, `${base}/pods/uid`, `${base}/pods/uid/volumes`, volumes]) {
          yield* files.makeDirectory(directory, 0o755)
        }
        yield* files.symlink(`${base}/prey`, `${volumes}/shared-dir`)
        const emptyDir = moved(place, `${volumes}/shared-dir`)
        const { answer, cure } = yield* Effect.flip(sharedDir.inspect(emptyDir))
        assert.strictEqual(answer, "ENOTDIR")
        assert.include(cure, "instead of a directory")
        yield* Effect.flip(sharedDir.writeConfig(emptyDir, "text"))
        yield* sharedDir.release(emptyDir, [])
        yield* stillUntouched
        yield* files.symlink(`${base}/prey`, `${base}/linked`)
        const linked = moved(place, `${base}/linked`)
        yield* sharedDir.inspect(linked)
        assert.deepStrictEqual(yield* sharedDir.verify(linked, { socket: false }), [])
        yield* files.symlink(`${base}/nowhere`, `${base}/dangling`)
        const dangling = moved(place, `${base}/dangling`)
        assert.deepStrictEqual(yield* sharedDir.verify(dangling, { socket: false }), [
          { what: `the shared directory ${base}/dangling is missing` }
        ])
      }))

    test("release follows no link in place of our mark", () =>
      Effect.gen(function* () {
        const { directories, files, place, sharedDir, stillUntouched, victim } = yield* prey
        yield* files.unlink(`${place.directory}/${marker}`)
        yield* files.symlink(victim, `${place.directory}/${marker}`)
        yield* sharedDir.release(place, directories)
        assert.isUndefined(yield* files.lstat(place.directory))
        yield* stillUntouched
      }))

    test("a directory with a mark that the container made is not removed when it holds something", () =>
      Effect.gen(function* () {
        const { base, files, place, sharedDir, stillUntouched } = yield* prey
        yield* files.create(`${base}/prey/${marker}`, "", 0o444)
        yield* sharedDir.release({ ...place, directory: `${base}/prey` }, [])
        yield* files.unlink(`${base}/prey/${marker}`)
        yield* stillUntouched
      }))
  })
