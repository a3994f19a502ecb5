/**
 * Notes of ADDs that could not ask the switch and made nothing, for `Records`: `attachments/undone/<key>`, empty files. On
 * their word alone a DEL without a record ends while the switch is down (docs/restarts.md says why that is safe).
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
    /** Before anything is made for it. */
    remove: (attachment: Identity) => orElse(absent, undefined)(files.unlink(pathOf(attachment))),
    /** All of them: who can ask the switch needs none. One that stays is true all the same. */
    drop: Effect.gen(function* () {
      const names = yield* orElse<ReadonlyArray<string> | undefined>(absent, undefined)(files.list(directory))
      if (names === undefined) return
      for (const name of names) yield* orElse("ENOENT", undefined)(files.unlink(join(directory, name)))
      yield* removeUnused(files, directory, [directory])
    }).pipe(Effect.ignore)
  }
}
