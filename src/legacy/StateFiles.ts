/** The state files of the original plugin and its fork, for `Records`: `<stateDir>/data/local-<id12>-<ifname>.json`. */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { fromFile } from "../attachment/records/RecordError.ts"
import { type Attachment, plainHandle } from "../identity/Attachment.ts"
import { type Files, orElse } from "../platform/Files.ts"
import { readLegacy } from "./StateFile.ts"

/** `limit`: bytes of a file. */
export const make = (files: Files["Service"], stateDir: string, limit: number) => {
  const pathOf = (attachment: Attachment) => join(stateDir, "data", `local-${plainHandle(attachment)}.json`)
  return {
    find: Effect.fnUntraced(
      function* (attachment: Attachment) {
        const text = yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.read(pathOf(attachment), limit))
        return text === undefined ? undefined : readLegacy(text)
      },
      Effect.mapError(fromFile("read the original plugin's state"))
    ),
    remove: Effect.fnUntraced(
      function* (attachment: Attachment) {
        const path = pathOf(attachment)
        if (yield* files.unlink(path).pipe(Effect.as(false), orElse(["ENOENT", "ENOTDIR"], true))) return
        // The original makes it anew for its next attachment, and removes it with its last.
        yield* orElse(["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY"], undefined)(files.removeDirectory(dirname(path)))
      },
      Effect.mapError(fromFile("remove the original plugin's state"))
    )
  }
}
