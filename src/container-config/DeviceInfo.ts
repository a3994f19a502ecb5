/**
 * The `device-info` of a port that Multus shows, the vhost-user or memif form from the container's view, and its file:
 * written atomically, restored or removed. The file's directory is created if missing, and removed if it is the plugin's
 * and empty. Multus reads the file after ADD, and may have put a device plugin's text there. The path comes with the
 * configuration, so a file with other content is neither replaced nor removed. Device Information Specification 1.1.0,
 * sections 3.1.5, 3.1.6 and 5.1.
 */
import { dirname, normalize } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { HostPort } from "../cni/network/HostPort.ts"
import type { NetConf } from "../cni/network/NetConf.ts"
import { isAbsolutePath } from "../cni/network/Validators.ts"
import { FileError, type Files, orElse } from "../platform/Files.ts"
import { objectOf, parsed } from "../platform/text/Json.ts"
import { fromFile, into, missing, removeUnused } from "../shared-dir/Directories.ts"
import type { ContainerConfig } from "./ContainerConfig.ts"

/** The capability CNIDeviceInfoFile: the file that the caller will read. Undefined: not requested, or no valid path. */
export const deviceInfoPath = ({ runtimeConfig }: NetConf): string | undefined => {
  const path = runtimeConfig?.["CNIDeviceInfoFile"]
  return isAbsolutePath(path) && !path.split("/").includes("..") ? normalize(path) : undefined
}

/** `socket`: its path in the container. */
export const deviceInfo = (
  port: HostPort,
  container: NetConf["container"],
  socket: string
): Readonly<Record<string, unknown>> => {
  const version = "1.1.0"
  if (port.iftype === "memif") {
    const role = container?.memif?.role ?? (port.role === "master" ? "slave" : "master")
    const mode = container?.memif?.mode ?? port.mode
    return { type: "memif", version, memif: { role, path: socket, mode } }
  }
  const mode = container?.vhost?.mode ?? (port.mode === "client" ? "server" : "client")
  return { type: "vhost-user", version, "vhost-user": { mode, path: socket } }
}

/** An abstract socket has a name instead of a path, written with `@` by convention. */
export const socketInContainer = (port: HostPort, mappedDir: string, socketName: string): string =>
  port.iftype === "memif" && port.abstract ? `@${socketName}` : `${mappedDir}${socketName}`

type Fs = Files["Service"]

/** Every kind of device information is an object with a type. An empty file belongs to nobody. */
const isDeviceInfo = (text: string): boolean => {
  if (text.trim() === "") return true
  return Predicate.isString(objectOf(parsed(text))["type"])
}

/** The form of `deviceInfo`: a killed call may have written a part of it. */
const beginning = '{"type":"'
const isBegun = (text: string): boolean => text.startsWith(beginning.slice(0, text.length)) || isDeviceInfo(text)

/** Undefined: no file. False: a file with other content. */
const look = Effect.fnUntraced(function* (files: Fs, path: string, is = isDeviceInfo) {
  const text = yield* orElse(
    ["EFBIG", "EINVAL", "ELOOP"],
    "something else"
  )(orElse(["ENOENT", "ENOTDIR"], undefined)(files.read(path, 1 << 20)))
  return text === undefined ? undefined : is(text)
})

const unoccupied = Effect.fnUntraced(function* (files: Fs, path: string) {
  if ((yield* look(files, path)) === false) return yield* new FileError({ operation: "write", path, code: "EEXIST" })
})

const read = (files: Fs, path: string) =>
  Effect.mapError(
    orElse(["ENOENT", "ENOTDIR"], undefined)(files.read(path, 1 << 20)),
    fromFile("read the device information")
  )

/** Returns the missing directories for the file. Fails when the existing file must not be replaced. */
const survey = Effect.fnUntraced(
  function* (files: Fs, path: string) {
    yield* unoccupied(files, path)
    return yield* missing(files, dirname(path))
  },
  Effect.mapError(fromFile("inspect the device information"))
)

const write = Effect.fnUntraced(
  function* (files: Fs, path: string, text: string) {
    const beside = `${path}.new`
    yield* unoccupied(files, path)
    // A call that was killed between the two steps left it.
    yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.unlink(beside))
    yield* into(files, dirname(path), 0o755, files.create(beside, text, 0o644))
    yield* Effect.tapError(files.rename(beside, path), () => Effect.ignore(files.unlink(beside)))
  },
  Effect.mapError(fromFile("write the device information"))
)

/** A missing file is not a failure. `made`: from `survey`. */
const remove = Effect.fnUntraced(
  function* (files: Fs, path: string, made: ReadonlyArray<string>) {
    const written = [
      [path, isDeviceInfo],
      [`${path}.new`, isBegun]
    ] as const
    for (const [name, is] of written) {
      if ((yield* look(files, name, is)) === true) yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.unlink(name))
    }
    yield* removeUnused(files, dirname(path), made)
  },
  Effect.mapError(fromFile("remove the device information"))
)

/** The operations that both layers of the container config share. */
export const deviceInformation = (
  files: Fs
): Pick<ContainerConfig["Service"], "described" | "undescribed" | "describe"> => ({
  described: (path) => read(files, path),
  undescribed: (path) => survey(files, path),
  describe: (path, text, made) => (text === undefined ? remove(files, path, made) : write(files, path, text))
})
