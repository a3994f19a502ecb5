/**
 * The planned file system: one in memory, into which every name of the real one is copied on first access, and to which
 * the plan is applied. Reads nothing else.
 */
import * as Fs from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type { FileKind } from "../../platform/FileCalls.ts"
import { type FileError, type FileStatus, type Files, orElse } from "../../platform/Files.ts"
import { ancestors } from "../../shared-dir/SocketPaths.ts"
import { MemoryFiles, over } from "./FilesMemory.ts"

type Done<A = void> = Effect.Effect<A, FileError>

export const make = (real: Files["Service"]) => {
  const state = new MemoryFiles()
  const copied = new Set(["/"])
  const decided = new Set<string>()
  const changed = new Set<string>()
  const mounts = new Map<string, boolean>()

  const isDecided = (path: string) => changed.has(path) || ancestors(path).some((above) => decided.has(above))
  const isGone = (path: string) => ancestors(path).some((above) => decided.has(above))

  const put = (path: string, { gid, ino, kind, mode, modified }: FileStatus, content: string) =>
    state.set(path, { kind, content, ino, mode, gid, modified })

  const copy = Effect.fnUntraced(function* (path: string) {
    if (copied.has(path) || isGone(path)) return
    const status = yield* real.lstat(path)
    copied.add(path)
    if (status !== undefined) put(path, status, status.kind === "symlink" ? yield* real.readLink(path) : "")
  })

  /** In the middle of a path a link counts as its target. */
  const copyDirectory = Effect.fnUntraced(function* (path: string) {
    yield* copy(path)
    if (state.get(path)?.kind !== "symlink" || isGone(path)) return
    const status = yield* followed(real, path)
    if (status !== undefined) put(path, status, "")
  })

  /** Copies the file at a path, and the directories above it. */
  const see = Effect.fnUntraced(function* (path: string) {
    for (const above of ancestors(path).slice(1).reverse()) yield* copyDirectory(above)
    yield* copy(path)
  })

  /** Also copies the names in it. */
  const seeInside = Effect.fnUntraced(function* (path: string) {
    for (const above of ancestors(path).toReversed()) yield* copyDirectory(above)
    if (state.get(path)?.kind !== "directory" || isGone(path)) return
    for (const name of yield* real.list(path)) yield* copy(path === "/" ? `/${name}` : `${path}/${name}`)
  })

  /** Returns the device of a directory, existing or planned. */
  const deviceOf = (directory: string): Done<number | undefined> =>
    Effect.flatMap(isGone(directory) ? Effect.undefined : followed(real, directory), (status) =>
      status === undefined && directory !== "/" ? deviceOf(dirname(directory)) : Effect.succeed(status?.dev)
    )

  /** Returns whether something is or would be mounted there: it cannot be removed before it is unmounted. */
  const isMount = (path: string): Done<boolean> => {
    const planned = mounts.get(path)
    if (planned !== undefined || isGone(path)) return Effect.succeed(planned ?? false)
    return Effect.flatMap(real.lstat(path), (there) =>
      there === undefined
        ? Effect.succeed(false)
        : Effect.map(deviceOf(dirname(path)), (dev) => dev !== there.dev || isBound(path))
    )
  }

  const cover = (path: string, kind: FileKind, mounted: boolean) => {
    mounts.set(path, mounted)
    const node = state.get(path)
    if (node !== undefined) state.set(path, { ...node, kind })
  }

  /** From now on the plan decides what is at this path, and below it unless only `itself` was changed. */
  const decide = (path: string, itself?: "itself") => void (itself === undefined ? decided : changed).add(path)

  return {
    state,
    planned: over(state),
    see,
    seeInside,
    decide,
    isDecided,
    deviceOf,
    isMount,
    /** Bind-mounts a socket over a file, and unmounts it. */
    mount: (path: string) => cover(path, "socket", true),
    unmount: (path: string) => {
      if (state.get(path)?.kind !== "directory") return cover(path, "file", false)
      // The files below were those of the mount.
      for (const name of state.names(path)) state.remove(`${path}/${name}`)
      mounts.set(path, false)
      decide(path)
    },
    /** Changes that others make in the plan: the switch creates a socket, and removes it. */
    appear: (path: string) => {
      state.put(path, "socket", "", 0o755)
      decide(path)
    },
    vanish: (path: string) => {
      state.remove(path)
      decide(path)
    }
  }
}

export type Overlay = ReturnType<typeof make>

/** A bind mount of the same file system has the same device number; proc_pid_mountinfo(5) shows it. */
const isBound = (path: string): boolean =>
  Fs.readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[4] === path)

/** Returns the status of a link's target; `/.` at the end of a path follows the link. */
const followed = (files: Files["Service"], path: string): Done<FileStatus | undefined> =>
  Effect.flatMap(orElse("ENOTDIR", undefined)(files.lstat(path)), (status) =>
    status?.kind === "symlink"
      ? orElse(["ENOENT", "ENOTDIR"], undefined)(files.lstat(`${path}/.`))
      : Effect.succeed(status)
  )
