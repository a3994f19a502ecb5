/**
 * Installs the executable in the node's CNI plugin directory, and the client in C that it carries: each is written beside,
 * synced, then renamed. A running plugin keeps its file, and a runtime never finds a partial one. The client comes last,
 * because it executes the other; it may meet one of another release, when an installation ends in between.
 */
import { basename, dirname, join } from "node:path"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { Files } from "../platform/Files.ts"
import { failureWords } from "../platform/text/FailureWords.ts"
import { CarriedClient, directoryOfFull } from "./Client.ts"

/** Why an installation failed: what failed, what came back, what to do. */
export class InstallError extends Data.TaggedError("InstallError")<{
  readonly operation: string
  readonly details: string
  readonly cure: string
}> {
  override get message(): string {
    return `${this.operation}: ${this.details}`
  }
}

/** The file that this process was started from. */
export const RunningExecutable = Context.Reference<string>("userspace-cni/RunningExecutable", {
  defaultValue: () => process.execPath
})

/** Runtimes find it by the `type` of a network. */
const name = "userspace"

/** Directories, because a runtime takes no directory for a plugin. */
const prefix = ".userspace-install-"

/** A copy takes seconds: an older directory was left by a killed installer. */
const abandonedAfter = 600_000

/** Returns the path of the installed executable. */
export const installExecutable = Effect.fn("install the executable")(
  function* (directory: string) {
    const source = yield* RunningExecutable
    const files = yield* Files
    const system = yield* FileSystem.FileSystem
    if (/^(bun|node)$/.test(basename(source))) {
      return yield* new InstallError({
        operation: "cannot install the executable",
        details: `this process runs from source, on ${source}`,
        cure: "Run `make build`, then `dist/userspace install`."
      })
    }
    const target = join(directory, name)
    yield* removeAbandoned(directory)
    const made = yield* system.makeTempDirectoryScoped({ directory, prefix })
    const put = Effect.fnUntraced(function* (beside: string, at: string) {
      yield* system.chmod(beside, 0o755)
      yield* files.sync(beside)
      yield* files.rename(beside, at)
      yield* files.sync(dirname(at))
    })
    const client = yield* yield* CarriedClient
    const full = join(directory, directoryOfFull, name)
    const beside = join(made, name)
    yield* system.copyFile(source, beside)
    if (client === undefined) {
      // A client that has just been started may still execute the other file.
      const isThere = yield* system.exists(full)
      const again = join(made, "again")
      if (isThere) yield* files.link(beside, again)
      yield* put(beside, target)
      if (isThere) yield* put(again, full)
      return target
    }
    if (!(yield* system.exists(dirname(full)))) {
      yield* system.makeDirectory(dirname(full))
      yield* system.chmod(dirname(full), 0o755)
    }
    yield* put(beside, full)
    yield* files.sync(directory)
    yield* system.writeFile(beside, client)
    yield* put(beside, target)
    return target
  },
  Effect.scoped,
  (effect, directory) =>
    Effect.catchTag(effect, ["PlatformError", "FileError"], (error) =>
      Effect.fail(
        new InstallError({
          operation: `cannot install the executable in ${directory}`,
          details: error._tag === "PlatformError" ? failureWords(error, directory) : error.message,
          cure:
            "Give the directory where this node's runtime looks for CNI plugins (containerd: bin_dir, CRI-O: " +
            "plugin_dirs; docs/installing.md), writable for root and with space for one more copy."
        })
      )
    )
)

/**
 * Removes the plugin of this directory, of this release or another: first what runtimes find. Returns what was there.
 * What has neither name stays.
 */
export const uninstallExecutable = Effect.fn("uninstall the executable")(
  function* (directory: string) {
    const files = yield* Files
    const system = yield* FileSystem.FileSystem
    const beside = join(directory, directoryOfFull)
    const removed: Array<string> = []
    const remove = Effect.fnUntraced(function* (path: string) {
      if ((yield* files.lstat(path)) === undefined) return
      yield* system.remove(path)
      removed.push(path)
    })
    yield* remove(join(directory, name))
    yield* remove(join(beside, name))
    if ((yield* files.lstat(beside)) !== undefined) yield* files.removeDirectory(beside)
    yield* files.sync(directory)
    return removed
  },
  (effect, directory) =>
    Effect.catchTag(effect, ["PlatformError", "FileError"], (error) =>
      Effect.fail(
        new InstallError({
          operation: `cannot remove the executable from ${directory}`,
          details: error._tag === "PlatformError" ? failureWords(error, directory) : error.message,
          cure: "Give the directory that `userspace install` was given. Move away what is not the plugin's."
        })
      )
    )
)

const removeAbandoned = Effect.fnUntraced(function* (directory: string) {
  const system = yield* FileSystem.FileSystem
  const now = DateTime.toEpochMillis(yield* DateTime.now)
  for (const entry of yield* system.readDirectory(directory)) {
    if (!entry.startsWith(prefix)) continue
    const path = join(directory, entry)
    const old = yield* Effect.option(system.stat(path))
    const since = Option.flatMap(old, ({ mtime }) => mtime)
    if (Option.isSome(since) && now - since.value.getTime() > abandonedAfter) {
      yield* Effect.ignore(system.remove(path, { recursive: true }))
    }
  }
})
