/**
 * The file system as it would be: planned changes over the real one. Only planned names are kept here; all others are
 * looked up below. Pure state, no recording.
 */
import { dirname, resolve } from "node:path"
import * as Effect from "effect/Effect"
import { type FileError, type FileKind, type FileStatus, type Files, orElse } from "../platform/Files.ts"

export interface Planned {
  readonly kind: FileKind
  /** Text of a file, target of a link. */
  readonly content: string
  readonly mode: number
  readonly gid: number
  /** The file system that it would be on. */
  readonly dev: number
}

export class Overlay {
  /** Undefined: planned to be gone. */
  private readonly names = new Map<string, Planned | undefined>()
  private readonly real: Files["Service"]

  constructor(real: Files["Service"]) {
    this.real = real
  }

  /** As the switch would: makes a socket, removes it. */
  appear(path: string): void {
    this.names.set(path, { kind: "socket", content: "", mode: 0o755, gid: 0, dev: -1 })
  }

  vanish(path: string): void {
    this.names.set(path, undefined)
  }

  put(path: string, planned: Planned | undefined): void {
    this.names.set(path, planned)
  }

  /** Undefined: not planned. Null: planned to be gone. */
  planned(path: string): Planned | null | undefined {
    return this.names.has(path) ? (this.names.get(path) ?? null) : undefined
  }

  lstat(path: string): Effect.Effect<FileStatus | undefined, FileError> {
    const planned = this.planned(path)
    if (planned === undefined) return this.real.lstat(path)
    if (planned === null) return Effect.succeed(undefined)
    const { dev, gid, kind, mode } = planned
    return Effect.succeed({ kind, mode, uid: 0, gid, dev, ino: 0, nlink: 1 })
  }

  list(path: string): Effect.Effect<ReadonlyArray<string>, FileError> {
    const planned = this.planned(path)
    const below = planned?.kind === "directory" ? Effect.succeed([]) : this.real.list(path)
    return Effect.map(below, (names) => {
      const all = new Set(names)
      for (const [other, node] of this.names) {
        if (dirname(other) !== path || other === path) continue
        const name = other.slice(path === "/" ? 1 : path.length + 1)
        if (node === undefined) all.delete(name)
        else all.add(name)
      }
      return [...all].sort()
    })
  }

  /** The file system of a directory; for a planned one, that of the nearest parent which is there. */
  deviceOf(directory: string): Effect.Effect<number, FileError> {
    return Effect.flatMap(this.lstat(directory), (status) => {
      if (status === undefined || status.dev === -1) {
        return directory === "/" ? Effect.succeed(-1) : this.deviceOf(dirname(directory))
      }
      if (status.kind !== "symlink" || this.planned(directory) !== undefined) return Effect.succeed(status.dev)
      return Effect.flatMap(orElse("EINVAL", directory)(this.real.readLink(directory)), (target) =>
        target === directory ? Effect.succeed(status.dev) : this.deviceOf(resolve(dirname(directory), target))
      )
    })
  }
}
