/**
 * The directory of a pod's volume. It belongs to the pod, and perhaps to other pods: it is created if missing, never
 * marked as the plugin's, never removed.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/spec/CniError.ts"
import { FileError, type Files, orElse } from "../platform/Files.ts"
import { fromFile, SharedDirError } from "./SharedDirError.ts"
import { mayBeLink, type SocketPaths } from "./SocketPaths.ts"

type Fs = Files["Service"]

export const survey = Effect.fnUntraced(function* (files: Fs, { directory, volume }: SocketPaths) {
  const there = yield* Effect.mapError(files.lstat(directory), fromFile("inspect"))
  if (there === undefined && volume === "kubelet") return yield* notMounted(directory)
  const followed = there?.kind === "symlink" && mayBeLink({ directory, volume })
  if (there === undefined || there.kind === "directory" || followed) return
  return yield* fromFile("use")(new FileError({ operation: "inspect", path: directory, code: "ENOTDIR" }))
})

/** Owner and mode of an existing directory are kept; the pod's `fsGroup` sets them. */
export const prepare = Effect.fnUntraced(function* (files: Fs, { directory }: SocketPaths, gid: number | undefined) {
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
