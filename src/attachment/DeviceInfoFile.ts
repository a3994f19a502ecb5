/**
 * The device information file: written whole, put back or removed. Its directory is made when it is missing and goes
 * when it is ours and empty. Who asks for it (Multus) reads it after ADD, and may have put a device plugin's text there.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { type Files, orElse } from "../platform/Files.ts"
import { ensure, missing, removeUnused } from "../shared-dir/Directories.ts"
import { fromFile } from "../shared-dir/SharedDirError.ts"

type Fs = Files["Service"]

/** What is there now. */
export const read = (files: Fs, path: string) =>
  Effect.mapError(
    orElse(["ENOENT", "ENOTDIR"], undefined)(files.read(path, 1 << 20)),
    fromFile("read the device information")
  )

/** The directories that are missing for it. */
export const survey = (files: Fs, path: string) =>
  Effect.mapError(missing(files, dirname(path)), fromFile("look at the device information"))

export const write = Effect.fnUntraced(
  function* (files: Fs, path: string, text: string) {
    const beside = `${path}.new`
    yield* ensure(files, dirname(path), 0o755)
    // Left by a call that was killed between the two steps.
    yield* orElse("ENOENT", undefined)(files.unlink(beside))
    yield* files.create(beside, text, 0o644)
    yield* Effect.tapError(files.rename(beside, path), () => Effect.ignore(files.unlink(beside)))
  },
  Effect.mapError(fromFile("write the device information"))
)

/** Gone already is no failure. `made`: what `survey` gave. */
export const remove = Effect.fnUntraced(
  function* (files: Fs, path: string, made: ReadonlyArray<string>) {
    for (const name of [path, `${path}.new`]) yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.unlink(name))
    yield* removeUnused(files, dirname(path), made)
  },
  Effect.mapError(fromFile("remove the device information"))
)
