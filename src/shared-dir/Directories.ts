/**
 * Directories that are created when missing and removed when unused, by many processes at once and without locks. The
 * marker file `.userspace-cni` identifies the plugin's directories, so that an administrator's is never removed; the
 * record lists those that an ADD was about to create, for the moment between creating and marking. Also the short links
 * to them, the container configs in them, and the error of what is done there: which path, what the system returned,
 * what to do.
 */

import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes, ServiceError } from "../cni/types/CniError.ts"
import { FileError, type Files, orElse } from "../platform/Files.ts"
import { ancestors, mayBeLink, type SocketPaths } from "./SocketPaths.ts"

export class SharedDirError extends ServiceError("SharedDirError", "shared directory: ") {}

const cures: Readonly<Record<string, string>> = {
  ENOSPC: "Free space (or inodes) on that file system, then try again.",
  EDQUOT: "Raise the quota on that file system, then try again.",
  EROFS: "Remount the file system read-write, or set sharedDir to a writable directory.",
  EACCES: "Run the plugin as root, or make sharedDir writable for it.",
  EPERM: "Run the plugin as root, or make sharedDir writable for it.",
  ENOTDIR: "Remove what is there instead of a directory, or set sharedDir to another directory.",
  EINVAL: "Remove what is at that path, or set sharedDir to another directory.",
  EEXIST: "Remove what is at that path, which the plugin did not create, or set another socketfile."
}

export const fromFile =
  (operation: string) =>
  ({ code, path }: FileError): SharedDirError =>
    new SharedDirError({
      operation: `${operation} ${path}`,
      answer: code,
      cure: cures[code] ?? "Check that path on the node, and the mounts that the plugin sees.",
      code: ErrorCodes.IoFailure
    })

/** Merges several failures into one. */
export const together = (first: SharedDirError, others: ReadonlyArray<SharedDirError>): SharedDirError =>
  others.length === 0
    ? first
    : new SharedDirError({
        operation: first.operation,
        answer: [first.answer, ...others.map(({ answer, operation }) => `${operation}: ${answer}`)].join("; "),
        cure: [...new Set([first, ...others].map(({ cure }) => cure))].join(" "),
        code: first.code
      })

type Fs = Files["Service"]

export const marker = ".userspace-cni"
const text = "Made by the userspace CNI plugin, which removes it.\n"

/** Returns those of a directory and its parents that do not exist. */
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
  // An administrator's link (/var/run) may lead to a directory; the file system checks that on use.
  if (there?.kind === "directory" || there?.kind === "symlink") return
  if (there !== undefined)
    return yield* new FileError({ operation: "make directory", path: directory, code: "ENOTDIR" })
  yield* ensureOnce(files, dirname(directory), 0o755)
  yield* files.makeDirectory(directory, mode).pipe(
    Effect.andThen(
      files.create(join(directory, marker), text, 0o444).pipe(
        // Out of space, for example: no unmarked directory may be left.
        Effect.onError(() => Effect.ignore(files.removeDirectory(directory)))
      )
    ),
    Effect.uninterruptible
  )
})

/** Creates a directory and puts something into it. Retries when another call removed the empty directory in between. */
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

/** Removes an empty directory of the plugin, then its parents. `made`: those that the record lists as created. */
export const removeUnused = Effect.fnUntraced(function* (files: Fs, directory: string, made: ReadonlyArray<string>) {
  for (const path of ancestors(directory)) {
    const gone = yield* removeOne(files, path, made.includes(path))
    // A directory that stays may have a parent that must be marked as well.
    if (!gone && !made.includes(dirname(path))) return
  }
})

/** Returns whether the directory, or a directory of the plugin in it, has attachments. */
const isLivedIn = Effect.fnUntraced(function* (files: Fs, path: string, names: ReadonlyArray<string>) {
  for (const name of names) {
    if (name.startsWith(`${marker}-`) || name.startsWith("configData-")) return true
    if ((yield* orElse("ENOTDIR", undefined)(files.lstat(join(path, name, marker)))) !== undefined) return true
  }
  return false
})

/** Returns whether the directory is gone. */
const removeOne = Effect.fnUntraced(function* (files: Fs, path: string, made: boolean) {
  for (let attempt = 0; attempt < 20; attempt++) {
    const names = yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.list(path))
    if (names === undefined) return true
    const marked = names.includes(marker)
    const mark = files.create(join(path, marker), text, 0o444).pipe(orElse(["EEXIST", "ENOENT"], undefined))
    if (names.length > (marked ? 1 : 0) || !(marked || made)) {
      if (marked || !made || !(yield* isLivedIn(files, path, names))) return false
      // Its ADD was killed before it marked the directory, and others of ours use it now. Once marked, the last of them
      // removes it; they may have left meanwhile, so try again.
      yield* mark
      continue
    }
    // EISDIR: a container created a directory in place of our mark, so it uses this one.
    const unmark = files.unlink(join(path, marker)).pipe(
      orElse("ENOENT", undefined),
      orElse("EISDIR", "theirs"),
      // It may have succeeded although it failed.
      Effect.onError(() => Effect.ignore(mark))
    )
    if (marked && (yield* unmark)) return false
    const gone = yield* files.removeDirectory(path).pipe(
      Effect.as(true),
      orElse(["ENOTEMPTY", "EEXIST"], false),
      orElse("ENOENT", true),
      // The mark lets the next attempt remove it without a record.
      Effect.tapError(() => Effect.ignore(mark))
    )
    if (gone) return true
    // Lost a race with another ADD: restore the marker and retry.
    yield* mark
  }
  return false
})

/** Returns whether the directory exists. An administrator's link counts where one is allowed. */
export const isDirectory = Effect.fnUntraced(function* (files: Fs, place: SocketPaths) {
  const there = yield* files.lstat(place.directory)
  if (there?.kind !== "symlink" || !mayBeLink(place)) return there?.kind === "directory"
  // Only this resolves a link; a full or read-only directory exists.
  return yield* Effect.match(files.writable(place.directory), {
    onFailure: ({ code }) => !["ENOENT", "ENOTDIR", "ELOOP"].includes(code),
    onSuccess: () => true
  })
})

type At = Pick<SocketPaths, "directory" | "configPath">

/**
 * A file with the attachment's name that marks the directory as in use before the container config exists. Without it,
 * a DEL of the container's other interface would find the directory empty and remove it. It is removed when the
 * container config is written.
 */
export const inUseMarkerFile = ({ configPath, directory }: At): string =>
  join(directory, `${marker}-${basename(configPath, ".json").replace("configData-", "")}`)

/** Creates the directory and its in-use marker. */
export const moveIn = (files: Fs, place: At): Effect.Effect<void, FileError> =>
  into(files, place.directory, 0o755, orElse("EEXIST", undefined)(files.create(inUseMarkerFile(place), "", 0o400)))

export const moveOut = (files: Fs, place: At): Effect.Effect<void, FileError> =>
  orElse(["ENOENT", "ENOTDIR", "EISDIR"], undefined)(files.unlink(inUseMarkerFile(place)))

/** The link in the state directory by which a switch reaches a directory with too long a path. Replaces another. */
export const makeShortLink = Effect.fnUntraced(
  function* (files: Fs, link: string, target: string) {
    const there = yield* orElse(["ENOENT", "EINVAL"], undefined)(files.readLink(link))
    if (there === target) return
    if (there !== undefined) yield* orElse("ENOENT", undefined)(files.unlink(link))
    yield* into(files, dirname(link), 0o755, files.symlink(target, link))
  },
  Effect.mapError(fromFile("make the short link"))
)

export const removeShortLink = Effect.fnUntraced(
  function* (files: Fs, link: string) {
    const status = yield* files.lstat(link)
    if (status?.kind === "symlink") yield* orElse("ENOENT", undefined)(files.unlink(link))
    // The directory is ours by name: a killed call may not have marked it.
    yield* removeUnused(files, dirname(link), [dirname(link)])
  },
  Effect.mapError(fromFile("remove the short link"))
)

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

/**
 * Finds container configs by searching the files in the containers' directories below a base. A directory must have the
 * plugin's marker and a name of its form. The caller validates the content, because a container can write it.
 */
export const readPublished = Effect.fnUntraced(function* (files: Fs, base: string) {
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
