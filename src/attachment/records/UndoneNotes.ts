/**
 * Notes of ADDs that could not reach the switch and created nothing, for `Records`: empty files
 * `attachments/undone/<key>`. With a note, a DEL without a record succeeds while the switch is down (docs/restarts.md
 * explains why that is safe).
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { type Identity, keyOf } from "../../identity/Attachment.ts"
import { type Files, orElse } from "../../platform/Files.ts"
import { into, removeUnused } from "../../shared-dir/Directories.ts"

const absent = ["ENOENT", "ENOTDIR"]

export const make = (files: Files["Service"], attachments: string) => {
  const directory = join(attachments, "undone")
  const pathOf = (attachment: Identity) => join(directory, keyOf(attachment))
  return {
    write: (attachment: Identity) =>
      into(files, directory, 0o700, orElse("EEXIST", undefined)(files.create(pathOf(attachment), "", 0o400))),
    isThere: (attachment: Identity) =>
      Effect.map(orElse("ENOTDIR", undefined)(files.lstat(pathOf(attachment))), (there) => there?.kind === "file"),
    /** Called before the first change of an ADD. */
    remove: (attachment: Identity) => orElse(absent, undefined)(files.unlink(pathOf(attachment))),
    /** Removes all notes, because none is needed while the switch is reachable. A remaining note is still correct. */
    drop: Effect.gen(function* () {
      const names = yield* orElse<ReadonlyArray<string> | undefined>(absent, undefined)(files.list(directory))
      if (names === undefined) return
      for (const name of names) yield* orElse("ENOENT", undefined)(files.unlink(join(directory, name)))
      yield* removeUnused(files, directory, [directory])
    }).pipe(Effect.ignore)
  }
}
