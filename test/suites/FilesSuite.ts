/**
 * The behaviour of every layer of `Files`, error codes included: the real one on Node and on bun, and the one in
 * memory. Runs under bun as well, so it asserts with node's own module.
 */
import * as assert from "node:assert/strict"
import { Effect } from "effect"
import { codeOf, codesOf, everything, type FilesUnderTest, site, zoo } from "./FilesSite.ts"
import { suite } from "./Suite.ts"

export const files = suite<FilesUnderTest>("Files", (test) => {
  test("lstat returns the kind, for a link its own", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      const kinds = yield* Effect.forEach(everything, (name) => Effect.map(files.lstat(at(name)), (it) => it?.kind))
      assert.deepEqual(kinds, ["file", "directory", "socket", "symlink", "symlink"])
    }))

  test("lstat of a missing path is none; nothing exists below a file", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      for (const name of ["nothing", "nothing/below"]) assert.equal(yield* files.lstat(at(name)), undefined)
      assert.equal(yield* codeOf(files.lstat(at("file/below"))), "ENOTDIR")
    }))

  test("lstat returns when a socket was accessed last, apart from when it was made", () =>
    Effect.gen(function* () {
      const { access, at, files } = yield* zoo
      const before = yield* files.lstat(at("socket"))
      assert.ok(before !== undefined && before.accessed <= before.modified, "accessed when nobody has connected")
      const later = (Math.floor(before.modified / 1000) + 3600) * 1000
      yield* access(at("socket"), later)
      const after = yield* files.lstat(at("socket"))
      assert.equal(after?.accessed, later)
      assert.ok(Math.abs(after.modified - before.modified) < 2)
    }))

  test("writable accepts a directory and a link to one, and changes nothing", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      yield* files.symlink("directory", at("way"))
      yield* files.writable(at("directory"))
      yield* files.writable(at("way"))
      assert.deepEqual(yield* files.list(at("directory")), ["inside"])
      assert.deepEqual(
        yield* codesOf({
          file: files.writable(at("file")),
          socket: files.writable(at("socket")),
          link: files.writable(at("link")),
          dangling: files.writable(at("dangling")),
          missing: files.writable(at("missing/directory")),
          below: files.writable(at("file/below"))
        }),
        {
          file: "ENOTDIR",
          socket: "ENOTDIR",
          link: "ENOTDIR",
          dangling: "ENOENT",
          missing: "ENOENT",
          below: "ENOTDIR"
        }
      )
    }))

  test("makeDirectory sets exactly the mode, whatever the umask", () =>
    Effect.gen(function* () {
      const { at, files } = yield* site
      for (const mode of [0o755, 0o700, 0o2770, 0o777]) {
        yield* files.makeDirectory(at(`d${mode}`), mode)
        assert.equal((yield* files.lstat(at(`d${mode}`)))?.mode, mode)
      }
    }))

  test("makeDirectory needs a free name in a directory", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      for (const name of everything) assert.equal(yield* codeOf(files.makeDirectory(at(name), 0o755)), "EEXIST")
      assert.deepEqual(
        yield* codesOf({
          missing: files.makeDirectory(at("missing/d"), 0o755),
          file: files.makeDirectory(at("file/d"), 0o755)
        }),
        { missing: "ENOENT", file: "ENOTDIR" }
      )
    }))

  test("create writes the text with exactly the mode", () =>
    Effect.gen(function* () {
      const { at, files } = yield* site
      const text = `Grüße 🙂\n${"x".repeat(100_000)}`
      for (const [name, mode] of [["a", 0o600] as const, ["b", 0o644] as const, ["c", 0o444] as const]) {
        yield* files.create(at(name), text, mode)
        assert.equal(yield* files.read(at(name), 1 << 20), text)
        assert.equal((yield* files.lstat(at(name)))?.mode, mode)
      }
    }))

  test("create needs a free name in a directory, and follows no link", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      for (const name of everything) assert.equal(yield* codeOf(files.create(at(name), "x", 0o644)), "EEXIST")
      assert.deepEqual(
        yield* codesOf({
          missing: files.create(at("missing/f"), "", 0o644),
          file: files.create(at("file/f"), "", 0o644)
        }),
        { missing: "ENOENT", file: "ENOTDIR" }
      )
      assert.equal(yield* files.read(at("file"), 100), "content")
      assert.equal(yield* files.lstat(at("nowhere")), undefined)
    }))

  test("read returns at most the allowed number of bytes", () =>
    Effect.gen(function* () {
      const { at, files } = yield* site
      yield* files.create(at("f"), "äöü", 0o644)
      assert.equal(yield* files.read(at("f"), 6), "äöü")
      assert.equal(yield* codeOf(files.read(at("f"), 5)), "EFBIG")
    }))

  test("read follows no link, and reads regular files only", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      const reads = Object.fromEntries(
        [...everything, "nothing", "missing/f", "file/f"].map((name) => [name, files.read(at(name), 100)])
      )
      assert.deepEqual(yield* codesOf(reads), {
        file: "succeeded",
        directory: "EINVAL",
        socket: "EINVAL",
        link: "ELOOP",
        dangling: "ELOOP",
        nothing: "ENOENT",
        "missing/f": "ENOENT",
        "file/f": "ENOTDIR"
      })
    }))

  test("list returns the names in a directory", () =>
    Effect.gen(function* () {
      const { at, base, files } = yield* zoo
      assert.deepEqual([...(yield* files.list(base))].sort(), [...everything].sort())
      assert.deepEqual(yield* files.list(at("directory")), ["inside"])
      assert.deepEqual(
        yield* codesOf({
          nothing: files.list(at("nothing")),
          file: files.list(at("file")),
          below: files.list(at("file/x"))
        }),
        { nothing: "ENOENT", file: "ENOTDIR", below: "ENOTDIR" }
      )
    }))

  test("removeDirectory removes an empty directory and nothing else", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      const removals = Object.fromEntries(
        [...everything, "nothing", "file/x"].map((name) => [name, files.removeDirectory(at(name))])
      )
      assert.deepEqual(yield* codesOf(removals), {
        file: "ENOTDIR",
        directory: "ENOTEMPTY",
        socket: "ENOTDIR",
        link: "ENOTDIR",
        dangling: "ENOTDIR",
        nothing: "ENOENT",
        "file/x": "ENOTDIR"
      })
      yield* files.unlink(at("directory/inside"))
      yield* files.removeDirectory(at("directory"))
      assert.equal(yield* files.lstat(at("directory")), undefined)
    }))

  test("every step refuses a path that no file system accepts", () =>
    Effect.gen(function* () {
      const { at, files } = yield* zoo
      for (const [name, code] of [
        ["a\0b", "EINVAL"],
        ["x".repeat(256), "ENAMETOOLONG"],
        [`${"x".repeat(200)}/`.repeat(25), "ENAMETOOLONG"]
      ] as const) {
        const path = at(name)
        const codes = yield* codesOf({
          lstat: files.lstat(path),
          read: files.read(path, 10),
          list: files.list(path),
          makeDirectory: files.makeDirectory(path, 0o755),
          removeDirectory: files.removeDirectory(path),
          create: files.create(path, "", 0o644),
          link: files.link(at("file"), path),
          symlink: files.symlink("file", path),
          readLink: files.readLink(path),
          unlink: files.unlink(path),
          change: files.change(path, "directory", { mode: 0o755 }),
          hold: Effect.scoped(files.hold(path))
        })
        assert.deepEqual(new Set(Object.values(codes)), new Set([code]), JSON.stringify(codes))
      }
    }))
})
