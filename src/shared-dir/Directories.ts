/**
 * Directories that are made when missing and removed when unused, by many processes at once and without locks. One that
 * we made holds the file `.userspace-cni`, so that we never remove an administrator's; the record names those that an
 * ADD was about to make, for the moment between making and marking.
 */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { FileError, type Files, orElse } from "../platform/Files.ts"
import { ancestors } from "./Place.ts"

type Fs = Files["Service"]

export const marker = ".userspace-cni"
const text = "Made by the userspace CNI plugin, which removes it.\n"

/** Those of a directory and its parents that are not there. */
export const missing = Effect.fnUntraced(function* (files: Fs, directory: string) {
  const absent: Array<string> = []
  for (const path of ancestors(directory)) {
    if ((yield* files.lstat(path)) !== undefined) break
    absent.push(path)
  }
  return absent
})

/** Makes a directory and its parents; what somebody else makes or removes meanwhile is looked at again. */
export const ensure = (files: Fs, directory: string, mode: number): Effect.Effect<void, FileError> =>
  Effect.retry(ensureOnce(files, directory, mode), {
    times: 20,
    while: ({ code }) => code === "EEXIST" || code === "ENOENT"
  })

const ensureOnce = Effect.fnUntraced(function* (
  files: Fs,
  directory: string,
  mode: number
): Effect.fn.Return<void, FileError> {
  const there = yield* files.lstat(directory)
  // A link of an administrator (/var/run) may lead to a directory; the file system judges when it is used.
  if (there?.kind === "directory" || there?.kind === "symlink") return
  if (there !== undefined)
    return yield* new FileError({ operation: "make directory", path: directory, code: "ENOTDIR" })
  yield* ensureOnce(files, dirname(directory), 0o755)
  yield* files.makeDirectory(directory, mode).pipe(
    Effect.andThen(
      files.create(join(directory, marker), text, 0o444).pipe(
        // Out of space, say: a directory that nobody owns up to must not stay.
        Effect.onError(() => Effect.ignore(files.removeDirectory(directory)))
      )
    ),
    Effect.uninterruptible
  )
})

/**
 * Removes a directory that is ours and holds nothing any more, then its parents likewise. `made`: what the record says
 * was ours to make.
 */
export const removeUnused = Effect.fnUntraced(function* (files: Fs, directory: string, made: ReadonlyArray<string>) {
  for (const path of ancestors(directory)) {
    if (!(yield* removeOne(files, path, made.includes(path)))) return
  }
})

/** Whether it is gone. */
const removeOne = Effect.fnUntraced(function* (files: Fs, path: string, made: boolean) {
  for (let attempt = 0; attempt < 20; attempt++) {
    const names = yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.list(path))
    if (names === undefined) return true
    const marked = names.includes(marker)
    if (names.length > (marked ? 1 : 0) || !(marked || made)) return false
    // EISDIR: not our mark, a container put it there, and uses the directory by that.
    if (
      marked &&
      (yield* files.unlink(join(path, marker)).pipe(orElse("ENOENT", undefined), orElse("EISDIR", "theirs")))
    )
      return false
    const gone = yield* files
      .removeDirectory(path)
      .pipe(Effect.as(true), orElse(["ENOTEMPTY", "EEXIST"], false), orElse("ENOENT", true))
    if (gone) return true
    // Somebody has just moved in: it stays, and stays marked. Who left again before that took it for nobody's, so it
    // is looked at once more.
    yield* files.create(join(path, marker), text, 0o444).pipe(orElse(["EEXIST", "ENOENT"], undefined))
  }
  return false
})
