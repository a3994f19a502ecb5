/**
 * The original plugin's bind mount of a pod's emptyDir, whose path is too long for a socket:
 * `/var/lib/vhost_sockets/<uid of the pod>`, one for all interfaces. This plugin creates none, and unmounts it with the
 * last port that uses it. Sockets in the emptyDir are removed by name.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { Files, orElse } from "../platform/Files.ts"
import { Processes } from "../platform/Processes.ts"
import { unbind } from "../shared-dir/BindMount.ts"
import { fromFile } from "../shared-dir/SharedDirError.ts"

const mounts = "/var/lib/vhost_sockets"

/** Returns the uid of the pod through whose mount a socket is reached. */
export const podOf = (path: string): string | undefined => /^\/var\/lib\/vhost_sockets\/([^/]+)\/[^/]+$/.exec(path)?.[1]

const gone = ["ENOENT", "ENOTDIR"]

/** Undefined for an invalid uid, which could lead to another path. */
const directoryFor = (uid: string): string | undefined => (/^[A-Za-z0-9-]+$/.test(uid) ? join(mounts, uid) : undefined)

/** Returns the names in it, or undefined when it does not exist. */
export const look = Effect.fnUntraced(
  function* (podUid: string) {
    const files = yield* Files
    const directory = directoryFor(podUid)
    if (directory === undefined) return undefined
    const there = yield* orElse("ENOTDIR", undefined)(files.lstat(directory))
    return there?.kind === "directory" ? yield* orElse(gone, undefined)(files.list(directory)) : undefined
  },
  Effect.mapError(fromFile("inspect"))
)

/** EBUSY means a mount. A non-empty directory that is not a mount is left from before a reboot, and kept. */
export const remove = Effect.fnUntraced(function* (podUid: string) {
  const files = yield* Files
  const processes = yield* Processes
  const directory = directoryFor(podUid)
  if (directory === undefined) return
  const removing = orElse(
    [...gone, "ENOTEMPTY", "EEXIST"],
    undefined
  )(files.removeDirectory(directory)).pipe(Effect.mapError(fromFile("remove")))
  yield* Effect.catchIf(
    removing,
    ({ answer }) => answer === "EBUSY",
    () => Effect.andThen(unbind(files, processes, directory), removing)
  )
})
