/**
 * The directories of containers that have devices: made when kubelet gives devices to a container, found by an ADD through
 * a link for each device. Every container has a new directory, because that of a forced deletion still writes in its own.
 * They are on disk, so a restart of the node finds them.
 */
import { basename, dirname, join } from "node:path"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { linkOf } from "../identity/Device.ts"
import { type FileError, Files, leadsTo, orElse } from "../platform/Files.ts"
import type { Resource } from "./Resources.ts"

export class DeviceDirectories extends Context.Service<
  DeviceDirectories,
  {
    /** The name of a container's directory, before it is made. */
    readonly name: (devices: ReadonlyArray<string>) => Effect.Effect<string>
    /** Makes the directory, and makes the devices lead to it. May be repeated. Removes those that they led to, if unused. */
    readonly make: (
      directory: string,
      devices: ReadonlyArray<string>,
      access: Resource["access"]
    ) => Effect.Effect<void, FileError>
    /** Makes it, if it is a directory of ours and gone, or if a device of it leads nowhere. True: it did. */
    readonly remake: (
      directory: string,
      devices: ReadonlyArray<string>,
      access: Resource["access"]
    ) => Effect.Effect<boolean, FileError>
    /** When each device was given last, in milliseconds since 1970; absent: never. */
    readonly given: Effect.Effect<ReadonlyMap<string, number>, FileError>
  }
>()("userspace-cni/DeviceDirectories") {
  static readonly layer = (stateDir: string): Layer.Layer<DeviceDirectories, never, Files> =>
    Layer.effect(
      DeviceDirectories,
      Effect.suspend(() => make(stateDir))
    )
}

/** A directory of ours: a device, and a time in base 36. */
const isDirectoryName = (name: string): boolean => /^[a-z0-9-]+-\d{1,4}\.[a-z0-9]+$/.test(name)

const make = Effect.fnUntraced(function* (stateDir: string) {
  const files = yield* Files
  const base = dirname(linkOf(stateDir, "one"))

  const ensure = (path: string): Effect.Effect<void, FileError> =>
    orElse(
      "EEXIST",
      undefined
    )(
      Effect.catchIf(
        files.makeDirectory(path, 0o755),
        ({ code }) => code === "ENOENT",
        () => Effect.andThen(ensure(dirname(path)), files.makeDirectory(path, 0o755))
      )
    )

  /** The directory of ours that a device leads to. */
  const directoryOf = Effect.fnUntraced(function* (link: string) {
    const target = yield* orElse(["ENOENT", "EINVAL"], undefined)(files.readLink(link))
    const path = target === undefined ? undefined : leadsTo(link, target)
    return path === undefined || dirname(path) !== base || !isDirectoryName(basename(path)) ? undefined : path
  })

  const makeFor: DeviceDirectories["Service"]["make"] = Effect.fnUntraced(function* (
    directory,
    devices,
    { gid, mode, uid }
  ) {
    yield* ensure(base)
    // Who knows a name may enter, as a switch that is not root has to. Nobody else sees which there are.
    yield* files.change(base, "directory", { mode: 0o711 })
    yield* orElse("EEXIST", undefined)(files.makeDirectory(directory, mode))
    yield* files.change(directory, "directory", { uid, gid, mode })
    for (const device of devices) {
      const link = linkOf(stateDir, device)
      const before = yield* directoryOf(link)
      const beside = `${link}.new`
      yield* orElse("ENOENT", undefined)(files.unlink(beside))
      yield* files.symlink(basename(directory), beside)
      yield* files.rename(beside, link)
      if (before !== undefined && before !== directory) {
        yield* orElse(["ENOTEMPTY", "ENOENT"], undefined)(files.removeDirectory(before))
      }
    }
  })

  const isThere = (path: string) => Effect.map(files.lstat(path), (there) => there !== undefined)

  return DeviceDirectories.of({
    name: (devices) =>
      Effect.map(Clock.currentTimeMillis, (now) => join(base, `${devices.toSorted()[0]}.${now.toString(36)}`)),
    make: makeFor,
    remake: Effect.fnUntraced(function* (directory, devices, access) {
      if (dirname(directory) !== base || !isDirectoryName(basename(directory))) return false
      // A device that leads to a directory was given again since.
      const lost = yield* Effect.filter(devices, (device) =>
        Effect.flatMap(directoryOf(linkOf(stateDir, device)), (path) =>
          path === undefined ? Effect.succeed(true) : Effect.map(isThere(path), (there) => !there)
        )
      )
      if (lost.length > 0) yield* makeFor(directory, lost, access)
      return lost.length > 0
    }),
    given: Effect.gen(function* () {
      const names = yield* orElse("ENOENT", [])(files.list(base))
      const times = yield* Effect.forEach(
        names.filter((name) => !name.includes(".")),
        (name) => Effect.map(files.lstat(join(base, name)), (there) => [name, there?.modified ?? 0] as const)
      )
      return new Map(times)
    })
  })
})
