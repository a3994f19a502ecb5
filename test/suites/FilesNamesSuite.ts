/** The part of the suite of `Files` about names: removing, moving and linking them, and changing their files. */
import * as assert from "node:assert/strict"
import { Effect } from "effect"
import { codeOf, codesOf, everything, type FilesUnderTest, zoo } from "./FilesSite.ts"
import { suite } from "./Suite.ts"

export const filesNames = suite<FilesUnderTest>("Files, changing names", (test) => {
  test("unlink removes a name of any kind but a directory, and a link itself", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      for (const name of ["link", "dangling", "socket"]) {
        yield* files.unlink(at(name))
        assert.equal(yield* files.lstat(at(name)), undefined)
      }
      assert.equal(yield* files.read(at("file"), 100), "content")
      assert.deepEqual(
        yield* codesOf({
          directory: files.unlink(at("directory")),
          nothing: files.unlink(at("nothing")),
          "missing/f": files.unlink(at("missing/f")),
          "file/f": files.unlink(at("file/f"))
        }),
        { directory: "EISDIR", nothing: "ENOENT", "missing/f": "ENOENT", "file/f": "ENOTDIR" }
      )
    }))

  test("rename replaces a file, and a link itself", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      yield* files.create(at("new"), "new", 0o640)
      yield* files.rename(at("new"), at("link"))
      assert.equal(yield* files.lstat(at("new")), undefined)
      assert.equal(yield* files.read(at("link"), 100), "new")
      assert.equal((yield* files.lstat(at("link")))?.mode, 0o640)
      assert.equal(yield* files.read(at("file"), 100), "content")
      yield* files.rename(at("link"), at("file"))
      assert.equal(yield* files.read(at("file"), 100), "new")
    }))

  test("rename reports what is missing or in the way, and changes nothing", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      assert.deepEqual(
        yield* codesOf({
          nothing: files.rename(at("nothing"), at("x")),
          missing: files.rename(at("file"), at("missing/x")),
          directory: files.rename(at("file"), at("directory")),
          below: files.rename(at("file"), at("socket/x"))
        }),
        { nothing: "ENOENT", missing: "ENOENT", directory: "EISDIR", below: "ENOTDIR" }
      )
      assert.equal(yield* files.read(at("file"), 100), "content")
    }))

  test("link gives the same file a second name", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      for (const name of ["file", "socket"]) {
        yield* files.link(at(name), at(`${name}2`))
        const [one, two] = [yield* files.lstat(at(name)), yield* files.lstat(at(`${name}2`))]
        assert.deepEqual([one?.ino, one?.nlink, one?.kind], [two?.ino, 2, two?.kind])
        yield* files.unlink(at(name))
        assert.equal((yield* files.lstat(at(`${name}2`)))?.nlink, 1)
      }
      assert.equal(yield* files.read(at("file2"), 100), "content")
    }))

  test("link needs a free name in a directory, and refuses directories", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      for (const name of everything) assert.equal(yield* codeOf(files.link(at("directory/inside"), at(name))), "EEXIST")
      assert.deepEqual(
        yield* codesOf({
          nothing: files.link(at("nothing"), at("x")),
          missing: files.link(at("file"), at("missing/x")),
          below: files.link(at("file"), at("socket/x")),
          directory: files.link(at("directory"), at("x"))
        }),
        { nothing: "ENOENT", missing: "ENOENT", below: "ENOTDIR", directory: "EPERM" }
      )
    }))

  test("symlink and readLink keep the target as written", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      yield* files.symlink("../a/./b", at("new"))
      assert.equal(yield* files.readLink(at("new")), "../a/./b")
      for (const name of everything) assert.equal(yield* codeOf(files.symlink("x", at(name))), "EEXIST")
      assert.deepEqual(
        yield* codesOf({
          missing: files.symlink("x", at("missing/x")),
          below: files.symlink("x", at("file/x")),
          nothing: files.readLink(at("nothing")),
          file: files.readLink(at("file")),
          directory: files.readLink(at("directory")),
          belowFile: files.readLink(at("file/x"))
        }),
        {
          missing: "ENOENT",
          below: "ENOTDIR",
          nothing: "ENOENT",
          file: "EINVAL",
          directory: "EINVAL",
          belowFile: "ENOTDIR"
        }
      )
    }))

  test("change sets mode and group, each alone or both, of a directory and of a socket", () =>
    Effect.gen(function* () {
      const { at, files, gid } = yield* zoo
      for (const kind of ["directory", "socket"] as const) {
        const before = yield* files.lstat(at(kind))
        yield* files.change(at(kind), kind, { mode: 0o660 })
        assert.deepEqual(yield* files.lstat(at(kind)), { ...before, mode: 0o660 })
        yield* files.change(at(kind), kind, { gid })
        assert.deepEqual(yield* files.lstat(at(kind)), { ...before, mode: 0o660, gid })
        yield* files.change(at(kind), kind, { gid, mode: 0o2770 })
        assert.deepEqual(yield* files.lstat(at(kind)), { ...before, mode: 0o2770, gid })
      }
    }))

  test("change changes the given file, and follows no link", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      const before = yield* files.lstat(at("file"))
      const changes = Object.fromEntries(
        ["file", "directory", "link", "dangling", "nothing", "file/x"].map((name) => [
          name,
          files.change(at(name), "socket", { mode: 0o777 })
        ])
      )
      assert.deepEqual(yield* codesOf(changes), {
        file: "EINVAL",
        directory: "EINVAL",
        link: "EINVAL",
        dangling: "EINVAL",
        nothing: "ENOENT",
        "file/x": "ENOTDIR"
      })
      assert.equal(yield* codeOf(files.change(at("socket"), "directory", { mode: 0o777 })), "EINVAL")
      assert.deepEqual(yield* files.lstat(at("file")), before)
    }))

  test("sync accepts files and directories", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      assert.deepEqual(
        yield* codesOf({
          directory: files.sync(at("directory")),
          file: files.sync(at("file")),
          nothing: files.sync(at("nothing"))
        }),
        { directory: "succeeded", file: "succeeded", nothing: "ENOENT" }
      )
    }))
})
