/**
 * The behaviour of `SharedDir` when the file system below it fails: every error has the path, the system's answer and
 * the cure; a socket on another file system is mounted, and unmounted.
 */
import * as Fs from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import type { Files } from "../../src/platform/Files.ts"
import type { Ended, Processes, Run } from "../../src/platform/Processes.ts"
import { SharedDir } from "../../src/shared-dir/SharedDir.ts"
import { failing, over, processes, type SharedDirUnderTest, site, tree } from "../shared-dir/support/SharedDirSite.ts"
import { suite } from "./Suite.ts"

type Operation = Parameters<Parameters<typeof failing>[0]>[0]

const on = (files: Layer.Layer<Files, never, Files>, programs?: Layer.Layer<Processes>) =>
  Effect.provide(SharedDir, over(files, programs))

/** The cure of a code must name what to repair. */
const cures: ReadonlyArray<readonly [code: string, cure: string]> = [
  ["ENOSPC", "Free space"],
  ["EDQUOT", "Raise the quota"],
  ["EROFS", "Remount the file system read-write"],
  ["EACCES", "Run the plugin as root"],
  ["EPERM", "Run the plugin as root"],
  ["EIO", "Check that path on the node"]
]

/** Each step on the file system of a method, made to fail. */
const steps: ReadonlyArray<
  readonly [method: string, operation: Operation, path: string, call: "prepare" | "writeConfig" | "open" | "release"]
> = [
  ["prepare", "makeDirectory", "shared", "prepare"],
  ["prepare", "makeDirectory", "shared/0958c8871b32", "prepare"],
  ["prepare", "create", "shared/0958c8871b32/.userspace-cni", "prepare"],
  ["prepare", "change", "shared/0958c8871b32", "prepare"],
  ["writeConfig", "create", "shared/0958c8871b32/configData-0958c8871b32-net1.json.new", "writeConfig"],
  ["writeConfig", "rename", "shared/0958c8871b32/configData-0958c8871b32-net1.json", "writeConfig"],
  ["open", "change", "shared/0958c8871b32/0958c8871b32-net1", "open"],
  ["release", "unlink", "shared/0958c8871b32/configData-0958c8871b32-net1.json", "release"],
  ["release", "unlink", "shared/0958c8871b32/0958c8871b32-net1", "release"],
  ["release", "removeDirectory", "shared/0958c8871b32", "release"]
]

export const sharedDirFaults = suite<SharedDirUnderTest>("SharedDir, when the system refuses", (test) => {
  for (const [method, operation, path, call] of steps) {
    test(`${method} reports the failure when the system refuses ${operation} of ${path}`, () =>
      Effect.gen(function* () {
        const { at, base, gid, sharedDir, socket } = yield* site
        const before = yield* tree
        const place = at({ vhost: { group: String(gid) } })
        const made = yield* sharedDir.inspect(place)
        if (call !== "prepare") {
          yield* sharedDir.prepare(place)
          yield* sharedDir.writeConfig(place, "before")
          yield* socket(place.socketPath)
        }
        for (const [code, expected] of cures) {
          const broken = yield* on(
            failing((what, where) => (what === operation && where === `${base}/${path}` ? code : undefined))
          )
          const calls = {
            prepare: broken.prepare(place),
            writeConfig: broken.writeConfig(place, "after"),
            open: broken.open(place),
            release: broken.release(place, made)
          }
          const error = yield* Effect.flip(calls[call])
          assert.strictEqual(error.code, ErrorCodes.IoFailure)
          assert.isTrue(error.operation.endsWith(` ${base}/${path}`), error.operation)
          assert.strictEqual(error.failed, `shared directory: ${error.operation}: ${code}`)
          assert.include(error.cure, expected)
        }
        if (call === "writeConfig") assert.strictEqual(yield* sharedDir.readConfig(place), "before")
        yield* sharedDir.release(place, made)
        assert.deepStrictEqual(yield* tree, before)
      }))
  }

  test("a file system that is full at any step leaves nothing without an owner", () =>
    Effect.gen(function* () {
      const { place } = yield* site
      const before = yield* tree
      const full = yield* on(failing((operation) => (operation === "create" ? "ENOSPC" : undefined)))
      assert.strictEqual((yield* Effect.flip(full.prepare(place))).answer, "ENOSPC")
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("a directory that could not be removed is removed by the next call, without a record", () =>
    Effect.gen(function* () {
      const { place, sharedDir } = yield* site
      const before = yield* tree
      yield* sharedDir.prepare(place)
      const broken = yield* on(failing((operation) => (operation === "removeDirectory" ? "EBUSY" : undefined)))
      assert.include((yield* Effect.flip(broken.release(place, []))).failed, "EBUSY")
      yield* sharedDir.release(place, [])
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("a shared directory that is a file is refused, and left", () =>
    Effect.gen(function* () {
      const { at, base, files, sharedDir } = yield* site
      yield* files.create(`${base}/file`, "mine", 0o644)
      const before = yield* tree
      for (const base_ of [`${base}/file`, `${base}/file/below`]) {
        const place = at({ sharedDir: base_ })
        for (const self of [sharedDir.inspect(place), sharedDir.prepare(place)]) {
          const { answer, code, cure } = yield* Effect.flip(self)
          assert.deepStrictEqual([answer, code], ["ENOTDIR", ErrorCodes.IoFailure])
          assert.include(cure, "Remove what is there instead of a directory")
        }
        yield* sharedDir.release(place, [])
      }
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("release runs every step although some fail, and reports all failures", () =>
    Effect.gen(function* () {
      const { files, place, sharedDir, socket } = yield* site
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      yield* sharedDir.writeConfig(place, "text")
      yield* files.create(`${place.configPath}.new`, "hal", 0o600)
      yield* socket(place.socketPath)
      const broken = yield* on(
        failing((operation, path) =>
          operation !== "unlink"
            ? undefined
            : path === place.configPath
              ? "EIO"
              : path === place.socketPath
                ? "EROFS"
                : undefined
        )
      )
      const { cure, failed } = yield* Effect.flip(broken.release(place, made))
      assert.include(failed, `${place.configPath}: EIO`)
      assert.include(failed, `${place.socketPath}: EROFS`)
      assert.include(cure, "Check that path on the node")
      assert.isUndefined(yield* files.lstat(`${place.configPath}.new`))
      assert.isDefined(yield* files.lstat(place.configPath))
    }))
})

/** `mount` and `umount`, and their arguments. */
const mounts = (answer: (run: Run) => Partial<Ended> = () => ({})) => {
  const calls: Array<string> = []
  const programs = processes((run) => {
    // An open file is passed as a name in /proc; shown here with its target.
    const words = run.args.map((word) => (/^\/proc\/\d+\/fd\//.test(word) ? Fs.readlinkSync(word) : word))
    calls.push([run.program, ...words].join(" "))
    return { status: 0, stdout: "", stderr: "", ...answer(run) }
  })
  return { calls, programs }
}

export const sharedDirMounts = suite<SharedDirUnderTest>("SharedDir, across file systems", (test) => {
  for (const code of ["EXDEV", "EPERM"]) {
    test(`publish binds the socket where it cannot be linked (${code})`, () =>
      Effect.gen(function* () {
        const { base, files, place, sharedDir, socket } = yield* site
        yield* sharedDir.prepare(place)
        yield* socket(`${base}/usp1`)
        const { calls, programs } = mounts()
        const far = yield* on(
          failing((operation) => (operation === "link" ? code : undefined)),
          programs
        )
        yield* far.publish(place, `${base}/usp1`)
        assert.deepStrictEqual(calls, [`mount -n -c --bind ${base}/usp1 ${place.socketPath}`])
        const { kind, mode } = (yield* files.lstat(place.socketPath)) ?? {}
        assert.deepStrictEqual([kind, mode], ["file", 0o600])
      }))
  }

  test("publish that cannot bind either reports mount's message and what to do, and leaves no file", () =>
    Effect.gen(function* () {
      const { base, place, sharedDir, socket } = yield* site
      yield* sharedDir.prepare(place)
      yield* socket(`${base}/usp1`)
      const before = yield* tree
      const said = [
        [{ status: 32, stderr: "mount: permission denied.\n" }, "mount: permission denied."],
        [{ status: 1 }, "exit status 1"]
      ] as const
      for (const [answer, expected] of said) {
        const { programs } = mounts(() => answer)
        const far = yield* on(
          failing((operation) => (operation === "link" ? "EXDEV" : undefined)),
          programs
        )
        const { cure, failed } = yield* Effect.flip(far.publish(place, `${base}/usp1`))
        assert.include(failed, expected)
        assert.include(failed, place.socketPath)
        assert.include(cure, "host.vhost.mode to client")
        assert.deepStrictEqual(yield* tree, before)
      }
    }))

  test("publish of a missing socket is an error, not a mount", () =>
    Effect.gen(function* () {
      const { base, place, sharedDir } = yield* site
      yield* sharedDir.prepare(place)
      assert.strictEqual((yield* Effect.flip(sharedDir.publish(place, `${base}/nothing`))).answer, "ENOENT")
    }))

  test("release unmounts a bound socket before it removes its name", () =>
    Effect.gen(function* () {
      const { files, place, sharedDir } = yield* site
      const before = yield* tree
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      yield* files.create(place.socketPath, "", 0o600)
      let bound = true
      const { calls, programs } = mounts(() => {
        bound = false
        return {}
      })
      const busy = yield* on(
        failing((operation, path) =>
          bound && operation === "unlink" && path === place.socketPath ? "EBUSY" : undefined
        ),
        programs
      )
      yield* busy.release(place, made)
      assert.deepStrictEqual(calls, [`umount -n -c -l ${place.socketPath}`])
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("release of a bound socket that cannot be unmounted fails, and can be repeated", () =>
    Effect.gen(function* () {
      const { files, place, sharedDir } = yield* site
      const before = yield* tree
      const made = yield* sharedDir.inspect(place)
      yield* sharedDir.prepare(place)
      yield* files.create(place.socketPath, "", 0o600)
      const { programs } = mounts(() => ({ status: 32, stderr: "umount: target is busy." }))
      const busy = yield* on(
        failing((operation, path) => (operation === "unlink" && path === place.socketPath ? "EBUSY" : undefined)),
        programs
      )
      assert.include((yield* Effect.flip(busy.release(place, made))).failed, "umount: target is busy.")
      yield* sharedDir.release(place, made)
      assert.deepStrictEqual(yield* tree, before)
    }))
})
