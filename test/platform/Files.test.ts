import { execFileSync, spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { createConnection } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { atOnce, codeOf, FileError, Files, over } from "../../src/platform/Files.ts"
import { filesHeld } from "../suites/FilesHeldSuite.ts"
import { filesNames } from "../suites/FilesNamesSuite.ts"
import { FilesSite } from "../suites/FilesSite.ts"
import { files } from "../suites/FilesSuite.ts"
import { runEach } from "../suites/Run.ts"
import { until } from "../support/Until.ts"
import * as RealSite from "./support/RealSite.ts"

const real = Layer.merge(Files.layer, Layer.fresh(RealSite.layer))

runEach(real, files, filesNames, filesHeld)

const here = Effect.gen(function* () {
  return { base: (yield* FilesSite).base, files: yield* Files }
})

/** False with `noatime`. */
const recordsAccess = (() => {
  const directory = Fs.mkdtempSync(join(tmpdir(), "files-"))
  const path = join(directory, "read")
  Fs.writeFileSync(path, "content")
  Fs.utimesSync(path, 0, 1)
  Fs.readFileSync(path)
  const { atimeMs } = Fs.statSync(path)
  Fs.rmSync(directory, { recursive: true })
  return atimeMs > 0
})()

const connected = (path: string) =>
  Effect.callback<void>((resume) => {
    const socket = createConnection(path, () => resume(Effect.sync(() => void socket.destroy())))
  })

describe("on a real file system", () => {
  it.live("a file of unknown length is read up to the limit", () =>
    Effect.gen(function* () {
      const { files } = yield* here
      assert.strictEqual((yield* Effect.flip(files.read("/proc/self/mountinfo", 10))).code, "EFBIG")
      assert.include(yield* files.read("/proc/self/mountinfo", 1 << 20), " / ")
    }).pipe(Effect.provide(real))
  )

  it.live("a read that is short before the end is no end, as on a file system in user space", () =>
    Effect.gen(function* () {
      const { base } = yield* here
      Fs.writeFileSync(`${base}/whole`, "0123456789")
      const short = over(
        { ...atOnce, read: (fd, into) => atOnce.read(fd, into.subarray(0, 3)) },
        (operation, path, work) =>
          Effect.mapError(work, (cause) => new FileError({ operation, path, code: codeOf(cause) }))
      )
      assert.strictEqual(yield* short.read(`${base}/whole`, 100), "0123456789")
      yield* short.unlink(`${base}/whole`)
    }).pipe(Effect.provide(real))
  )

  it.live("reading a pipe without a writer does not block, and does not change it", () =>
    Effect.gen(function* () {
      const { base, files } = yield* here
      execFileSync("mkfifo", [`${base}/pipe`])
      assert.strictEqual((yield* files.lstat(`${base}/pipe`))?.kind, "other")
      assert.strictEqual((yield* Effect.flip(files.read(`${base}/pipe`, 10))).code, "EINVAL")
      assert.strictEqual((yield* Effect.flip(files.change(`${base}/pipe`, "socket", { mode: 0o777 }))).code, "EINVAL")
      yield* files.unlink(`${base}/pipe`)
    }).pipe(Effect.provide(real))
  )

  it.live.skipIf(!recordsAccess)("connecting to a socket counts as an access", () =>
    Effect.gen(function* () {
      const { access, base, socket } = yield* FilesSite
      const { files } = yield* here
      const path = `${base}/asked.sock`
      yield* socket(path)
      yield* access(path, 0)
      yield* connected(path)
      const status = yield* files.lstat(path)
      assert.isAtLeast(status?.accessed ?? 0, status?.modified ?? 0)
    }).pipe(Effect.scoped, Effect.provide(real))
  )

  const tellsWhere = spawnSync("sh", ["-c", "sleep 60 & sleep 0.1; cat /proc/$!/wchan; kill $!"], { encoding: "utf8" })

  it.live.skipIf(/^0?$/.test(tellsWhere.stdout))("a pipe, or a device, is not even opened", () =>
    Effect.gen(function* () {
      const { base, files } = yield* here
      execFileSync("mkfifo", [`${base}/pipe`])
      const writer = spawn("sh", ["-c", `echo heard >${base}/pipe`], { stdio: "ignore" })
      // It sleeps until somebody opens the other end: in open(2), the only call that can take long.
      const asleep = Effect.sync(() => Fs.readFileSync(`/proc/${writer.pid}/wchan`, "utf8"))
      yield* until("the writer in open(2)", asleep, (where) => /partner|fifo/.test(where))
      assert.strictEqual((yield* Effect.flip(files.read(`${base}/pipe`, 10))).code, "EINVAL")
      const { stdout } = spawnSync("timeout", ["60", "cat", `${base}/pipe`], { encoding: "utf8" })
      assert.strictEqual(stdout, "heard\n")
      yield* files.unlink(`${base}/pipe`)
    }).pipe(Effect.provide(real))
  )

  const replaced = Effect.gen(function* () {
    const { base, files } = yield* here
    yield* files.create(`${base}/victim`, "victim", 0o600)
    yield* files.create(`${base}/own`, "own", 0o600)
    const held = yield* files.hold(`${base}/own`)
    yield* files.unlink(`${base}/own`)
    yield* files.symlink(`${base}/victim`, `${base}/own`)
    assert.strictEqual(Fs.readFileSync(`${base}/own`, "utf8"), "victim")
    return held
  })

  it.live("a held file stays the same when something replaces its name", () =>
    Effect.map(replaced, (held) => assert.strictEqual(Fs.readFileSync(held, "utf8"), "own")).pipe(
      Effect.scoped,
      Effect.provide(real)
    )
  )

  const program = `
    import { Effect } from "effect"
    import { readlinkSync } from "node:fs"
    import { Files } from "${import.meta.resolve("../../src/platform/Files.ts")}"
    const held = Files.make().hold(process.cwd())
    console.log(Effect.runSync(Effect.scoped(Effect.map(held, (path) => readlinkSync(path)))) === process.cwd())
  `
  const elsewhere = [...["--pid", "--fork", process.execPath], "--input-type=module", "-e", program]
  const mayUnshare = spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0

  it.live.skipIf(!mayUnshare)("a held file works where /proc is of another PID namespace", () =>
    Effect.sync(() => {
      const { stderr, stdout } = spawnSync("unshare", elsewhere, { encoding: "utf8", timeout: 60_000 })
      assert.strictEqual(stdout, "true\n", stderr)
    })
  )

  // A container may prevent its processes from inspecting each other (ptrace(2), PTRACE_MODE_READ_FSCREDS).
  const seen = spawnSync("readlink", [`/proc/${process.pid}/exe`]).status === 0

  it.live.skipIf(!seen)("a held file is the same for another process, such as mount", () =>
    Effect.map(replaced, (held) => assert.strictEqual(execFileSync("cat", [held], { encoding: "utf8" }), "own")).pipe(
      Effect.scoped,
      Effect.provide(real)
    )
  )
})
