/**
 * Who may use the shared files: the group of the configuration, the directory with that group, and the users that may
 * connect to a socket of the switch. VPP's own sockets exclude everybody but root.
 *
 * The directory of a pod's volume belongs to the pod, and perhaps to other pods: it is created if missing, never marked
 * as the plugin's, never removed.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/spec/CniError.ts"
import { FileError, type Files, orElse } from "../platform/Files.ts"
import { moveIn } from "./Directories.ts"
import { fromFile, SharedDirError } from "./SharedDirError.ts"
import { mayBeLink, type SocketPaths } from "./SocketPaths.ts"

type Fs = Files["Service"]

/** The number of the group that may use directory and socket (`host.vhost.group`), if one is configured. */
export const gidOf = Effect.fnUntraced(function* (files: Fs, { group }: SocketPaths) {
  if (group === undefined || /^\d+$/.test(group)) return group === undefined ? undefined : Number(group)
  const text = yield* Effect.mapError(files.read("/etc/group", 1 << 20), fromFile("read the groups in"))
  const gid = text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === group)?.[2]
  if (gid !== undefined && /^\d+$/.test(gid)) return Number(gid)
  return yield* new SharedDirError({
    operation: `find the group ${group} in`,
    path: "/etc/group",
    answer: "not found",
    cure: "Set host.vhost.group to a group that exists on the node, or to a number.",
    code: ErrorCodes.InvalidConfiguration
  })
})

interface SocketAccess {
  /** Undefined: any group, because everybody may connect. */
  readonly gid?: number
  readonly mode: number
}

export const socketAccess = (gid: number | undefined): SocketAccess =>
  gid === undefined ? { mode: 0o666 } : { mode: 0o660, gid }

export const isAsWanted = (wanted: SocketAccess, { gid, mode }: SocketAccess): boolean =>
  mode === wanted.mode && (wanted.gid === undefined || gid === wanted.gid)

export const accessInWords = ({ gid, mode }: SocketAccess): string =>
  `mode ${mode.toString(8).padStart(4, "0")}${gid === undefined ? "" : ` of group ${gid}`}`

export const surveyVolume = Effect.fnUntraced(function* (files: Fs, { directory, volume }: SocketPaths) {
  const there = yield* Effect.mapError(files.lstat(directory), fromFile("inspect"))
  if (there === undefined && volume === "kubelet") return yield* notMounted(directory)
  const followed = there?.kind === "symlink" && mayBeLink({ directory, volume })
  if (there === undefined || there.kind === "directory" || followed) return
  return yield* fromFile("use")(new FileError({ operation: "inspect", path: directory, code: "ENOTDIR" }))
})

/** The directory of the plugin. */
export const prepareOwn = Effect.fnUntraced(function* (files: Fs, place: SocketPaths, gid: number | undefined) {
  const { directory } = place
  if ((yield* Effect.mapError(files.lstat(directory), fromFile("inspect")))?.kind === "symlink") {
    return yield* fromFile("use")(new FileError({ operation: "inspect", path: directory, code: "ENOTDIR" }))
  }
  yield* Effect.mapError(moveIn(files, place), fromFile("make"))
  if (gid === undefined) return
  // setgid: files that the application creates in it belong to the group as well. Without a group, only root has
  // access.
  yield* Effect.mapError(files.change(directory, "directory", { gid, mode: 0o2770 }), fromFile("set the group of"))
})

/** Owner and mode of an existing directory are kept; the pod's `fsGroup` sets them. */
export const prepareVolume = Effect.fnUntraced(function* (
  files: Fs,
  { directory }: SocketPaths,
  gid: number | undefined
) {
  const there = yield* Effect.mapError(files.lstat(directory), fromFile("inspect"))
  if (there !== undefined) return
  yield* Effect.mapError(makePlain(files, directory), fromFile("make"))
  if (gid === undefined) return
  yield* Effect.mapError(files.change(directory, "directory", { gid, mode: 0o2775 }), fromFile("set the group of"))
})

/** Like `mkdir -p`: a concurrent creation is a success. */
const makePlain = (files: Fs, directory: string): Effect.Effect<void, FileError> =>
  Effect.flatMap(files.lstat(directory), (there) =>
    there !== undefined
      ? Effect.void
      : Effect.andThen(
          makePlain(files, dirname(directory)),
          orElse("EEXIST", undefined)(files.makeDirectory(directory, 0o755))
        )
  )

const notMounted = (path: string) =>
  new SharedDirError({
    operation: "use",
    path,
    answer: "ENOENT",
    cure: "Check that kubelet's root directory is /var/lib/kubelet, and that the caller of the plugin sees the node's directories: kubelet creates a pod's volumes before its network.",
    code: ErrorCodes.IoFailure
  })
