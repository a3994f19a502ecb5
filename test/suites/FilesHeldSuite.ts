/** `Files`, while somebody else replaces directories and files by links. Part of `FilesSuite.ts`. */
import * as assert from "node:assert/strict"
import { Effect } from "effect"
import { codeOf, codesOf, type FilesUnderTest, site, zoo } from "./FilesSite.ts"
import { suite } from "./Suite.ts"

export const filesHeld = suite<FilesUnderTest>("Files, where links can replace directories", (test) => {
  test("a pinned directory works like any other", () =>
    Effect.gen(function* () {
      const { at, files, gid } = yield* site
      yield* files.makeDirectory(at("own"), 0o755)
      yield* files.pin(at("own"))
      yield* files.pin(at("own"))
      yield* files.create(at("own/a"), "text", 0o640, gid)
      yield* files.makeDirectory(at("own/d"), 0o700)
      yield* files.symlink("a", at("own/l"))
      yield* files.link(at("own/a"), at("own/b"))
      yield* files.rename(at("own/b"), at("own/c"))
      assert.deepEqual([...(yield* files.list(at("own")))].sort(), ["a", "c", "d", "l"])
      assert.equal(yield* files.read(at("own/c"), 100), "text")
      assert.equal(yield* files.readLink(at("own/l")), "a")
      const { gid: group, mode, nlink } = (yield* files.lstat(at("own/a"))) ?? {}
      assert.deepEqual([group, mode, nlink], [gid, 0o640, 2])
      assert.equal(yield* files.lstat(at("own/nothing")), undefined)
      yield* files.change(at("own/d"), "directory", { mode: 0o750 })
      assert.equal((yield* files.lstat(at("own/d")))?.mode, 0o750)
      for (const name of ["a", "c", "l"]) yield* files.unlink(at(`own/${name}`))
      yield* files.removeDirectory(at("own/d"))
      yield* files.removeDirectory(at("own"))
      assert.equal(yield* files.lstat(at("own/a")), undefined)
      assert.equal(yield* codeOf(files.read(at("own/a"), 10)), "ENOENT")
    }))

  test("a link that replaces a pinned directory is not followed", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      yield* files.makeDirectory(at("own"), 0o755)
      yield* files.pin(at("own"))
      yield* files.removeDirectory(at("own"))
      yield* files.symlink(at("directory"), at("own"))
      const before = yield* files.lstat(at("directory/inside"))
      const codes = yield* codesOf({
        lstat: files.lstat(at("own/inside")),
        read: files.read(at("own/inside"), 10),
        list: files.list(at("own")),
        makeDirectory: files.makeDirectory(at("own/new"), 0o755),
        removeDirectory: files.removeDirectory(at("own/inside")),
        create: files.create(at("own/new"), "", 0o644),
        rename: files.rename(at("file"), at("own/inside")),
        link: files.link(at("file"), at("own/new")),
        symlink: files.symlink("x", at("own/new")),
        readLink: files.readLink(at("own/inside")),
        unlink: files.unlink(at("own/inside")),
        change: files.change(at("own/inside"), "file", { mode: 0o777 }),
        hold: Effect.scoped(files.hold(at("own/inside")))
      })
      assert.deepEqual(new Set(Object.values(codes)), new Set(["ENOTDIR"]), JSON.stringify(codes))
      assert.deepEqual(yield* files.list(at("directory")), ["inside"])
      assert.deepEqual(yield* files.lstat(at("directory/inside")), before)
    }))

  test("hold opens what exists, and no link", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      const holds = ["file", "directory", "socket", "link", "dangling", "nothing"].map(
        (name) => [name, Effect.scoped(files.hold(at(name)))] as const
      )
      assert.deepEqual(yield* codesOf(Object.fromEntries(holds)), {
        file: "succeeded",
        directory: "succeeded",
        socket: "succeeded",
        link: "EINVAL",
        dangling: "EINVAL",
        nothing: "ENOENT"
      })
    }))
})
