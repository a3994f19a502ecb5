/**
 * Finds container configs by searching the files in the containers' directories below a base. A directory must have the
 * plugin's marker and a name of its form. The caller validates the content, because a container can write it.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { type Files, orElse } from "../platform/Files.ts"
import { marker } from "./Directories.ts"

export interface PublishedFile {
  /** Name of the container's directory: the beginning of its id. */
  readonly directory: string
  /** `configData-<handle>.json` */
  readonly handle: string
  readonly text: string
}

/** A container that fills its directory must not delay the plugin. */
const mostFiles = 256

const gone = ["ENOENT", "ENOTDIR"]

export const readPublished = Effect.fnUntraced(function* (files: Files["Service"], base: string) {
  const found: Array<PublishedFile> = []
  for (const directory of yield* orElse(gone, [])(files.list(base))) {
    const path = join(base, directory)
    if (directory.length > 12 || (yield* files.lstat(path))?.kind !== "directory") continue
    yield* files.pin(path)
    const names = yield* orElse<ReadonlyArray<string>>(gone, [])(files.list(path))
    if (!names.includes(marker)) continue
    const handles = names.flatMap((name) => /^configData-(.+)\.json$/.exec(name)?.slice(1) ?? [])
    for (const handle of handles.slice(0, mostFiles)) {
      const text = yield* orElse(
        [...gone, "ELOOP", "EINVAL", "EFBIG"],
        undefined
      )(files.read(join(path, `configData-${handle}.json`), 1 << 20))
      if (text !== undefined) found.push({ directory, handle, text })
    }
  }
  return found
})
