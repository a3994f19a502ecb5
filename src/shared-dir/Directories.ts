/**
 * Directories that are created when missing and removed when unused, by many processes at once and without locks. The
 * marker file `.userspace-cni` identifies the plugin's directories, so that an administrator's is never removed; the
 * record lists those that an ADD was about to create, for the moment between creating and marking.
 */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { FileError, type Files, orElse } from "../platform/Files.ts"
import { ancestors, mayBeLink, type SocketPaths } from "./SocketPaths.ts"

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

/** Creates a directory and its parents; retries after concurrent changes. */
export const ensure = (files: Fs, directory: string, mode: number, tries = 20): Effect.Effect<void, FileError> =>
  Effect.catchIf(
    ensureOnce(files, directory, mode),
    ({ code }) => tries > 1 && (code === "EEXIST" || code === "ENOENT"),
    () => ensure(files, directory, mode, tries - 1)
  )

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
        // Out of space, for example: an unmarked directory must not be left.
        Effect.onError(() => Effect.ignore(files.removeDirectory(directory)))
      )
    ),
    Effect.uninterruptible
  )
})

/** Makes a directory and puts something into it, again when somebody who found it empty has removed it in between. */
export const into = <A>(
  files: Fs,
  directory: string,
  mode: number,
  put: Effect.Effect<A, FileError>,
  tries = 20
): Effect.Effect<A, FileError> => {
  const once: Effect.Effect<A, FileError> = Effect.flatMap(ensure(files, directory, mode), () => put)
  return Effect.catchIf(
    once,
    ({ code }) => tries > 1 && code === "ENOENT",
    () => into(files, directory, mode, put, tries - 1)
  )
}

/**
 * Removes a directory of the plugin that is empty, then its parents likewise. `made`: directories that the record lists
 * as created.
 */
export const removeUnused = Effect.fnUntraced(function* (files: Fs, directory: string, made: ReadonlyArray<string>) {
  for (const path of ancestors(directory)) {
    const gone = yield* removeOne(files, path, made.includes(path))
    // What stays may have a parent that is to be marked as well.
    if (!gone && !made.includes(dirname(path))) return
  }
})

/** Whether it, or a directory of the plugin in it, has attachments. */
const isLivedIn = Effect.fnUntraced(function* (files: Fs, path: string, names: ReadonlyArray<string>) {
  for (const name of names) {
    if (name.startsWith(`${marker}-`) || name.startsWith("configData-")) return true
    if ((yield* orElse("ENOTDIR", undefined)(files.lstat(join(path, name, marker)))) !== undefined) return true
  }
  return false
})

/** Whether it is gone. */
const removeOne = Effect.fnUntraced(function* (files: Fs, path: string, made: boolean) {
  for (let attempt = 0; attempt < 20; attempt++) {
    const names = yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.list(path))
    if (names === undefined) return true
    const marked = names.includes(marker)
    const mark = files.create(join(path, marker), text, 0o444).pipe(orElse(["EEXIST", "ENOENT"], undefined))
    if (names.length > (marked ? 1 : 0) || !(marked || made)) {
      if (marked || !made || !(yield* isLivedIn(files, path, names))) return false
      // Its ADD was killed before it had marked it, and others of ours have come: marked, it goes with the last of them,
      // which may have left meanwhile.
      yield* mark
      continue
    }
    // EISDIR: not our mark, a container put it there, and uses the directory by that.
    const unmark = files.unlink(join(path, marker)).pipe(
      orElse("ENOENT", undefined),
      orElse("EISDIR", "theirs"),
      // It may be done though it failed.
      Effect.onError(() => Effect.ignore(mark))
    )
    if (marked && (yield* unmark)) return false
    const gone = yield* files.removeDirectory(path).pipe(
      Effect.as(true),
      orElse(["ENOTEMPTY", "EEXIST"], false),
      orElse("ENOENT", true),
      // It stays ours, for whoever tries again without a record of it.
      Effect.tapError(() => Effect.ignore(mark))
    )
    if (gone) return true
    // Lost a race with another ADD: restore the marker and retry.
    yield* mark
  }
  return false
})

/** Or what is there in its place: an administrator's link, where there may be one. */
export const isDirectory = Effect.fnUntraced(function* (files: Fs, place: SocketPaths) {
  const there = yield* files.lstat(place.directory)
  if (there?.kind !== "symlink" || !mayBeLink(place)) return there?.kind === "directory"
  // Of what a link leads to only this tells; one that is full or read-only is there.
  return yield* Effect.match(files.writable(place.directory), {
    onFailure: ({ code }) => !["ENOENT", "ENOTDIR", "ELOOP"].includes(code),
    onSuccess: () => true
  })
})
