/**
 * The symbolic link through which a switch reaches a directory whose path is too long for a socket. It is in the state
 * directory.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { type Files, orElse } from "../platform/Files.ts"
import { into, removeUnused } from "./Directories.ts"
import { fromFile } from "./SharedDirError.ts"

/** Replaces an older link. */
export const make = Effect.fnUntraced(function* (files: Files["Service"], link: string, target: string) {
  const there = yield* orElse(["ENOENT", "EINVAL"], undefined)(files.readLink(link))
  if (there === target) return
  if (there !== undefined) yield* orElse("ENOENT", undefined)(files.unlink(link))
  yield* into(files, dirname(link), 0o755, files.symlink(target, link))
})

export const remove = Effect.fnUntraced(
  function* (files: Files["Service"], link: string) {
    const status = yield* files.lstat(link)
    if (status?.kind === "symlink") yield* orElse("ENOENT", undefined)(files.unlink(link))
    // The directory is ours by name: a killed call may not have marked it.
    yield* removeUnused(files, dirname(link), [dirname(link)])
  },
  Effect.mapError(fromFile("remove the short link"))
)
