/**
 * The file system as far as the plugin needs it: the edge that tests replace, for example with a full or read-only one.
 * Calls are synchronous, except `sync`: local files take microseconds, and no thread pool has to start. Links are never
 * followed in the last component, because a container can write to these directories. Effect's own FileSystem layer
 * costs 4.6 ms at start (docs/performance.md). This module has no policy.
 */
import * as Fs from "node:fs"
import { basename, dirname, isAbsolute } from "node:path"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import {
  atOnce,
  type Called,
  type FileCalls,
  type FileChange,
  type FileKind,
  kindOf,
  O_PATH,
  operations
} from "./FileCalls.ts"
import { codeOf as systemCode } from "./process/Attempt.ts"

export class FileError extends Data.TaggedError("FileError")<{
  readonly operation: string
  readonly path: string
  /** The system's error code: `ENOENT`, `ENOSPC`, `EROFS`, `EEXIST`, ...; `EINVAL` for a path with a NUL. */
  readonly code: string
}> {
  override get message(): string {
    return `${this.operation} ${this.path}: ${this.code}`
  }
}

/** The result of lstat(2); `mode` has the permission bits only. */
export interface FileStatus {
  readonly kind: FileKind
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly dev: number
  readonly ino: number
  readonly nlink: number
  /** Time of the last change of the content, in milliseconds. */
  readonly modified: number
  /**
   * Time of the last access, in milliseconds. Connecting to a socket is one (unix(7) does not say so; `unix_find_bsd` in
   * net/unix/af_unix.c). Most mounts record only the first since the last change (`relatime`).
   */
  readonly accessed: number
}

type Done<A = void> = Effect.Effect<A, FileError>

export class Files extends Context.Service<
  Files,
  {
    /**
     * From now on, names in this directory are reached through the directory held open, and never through a link that
     * replaced it (`ENOTDIR`). A container can create such a link between any two steps.
     */
    readonly pin: (directory: string) => Effect.Effect<void>
    /**
     * Returns another path of the file at `path`, valid until the scope ends and also for other programs. It refers to
     * the same file when something else replaces `path`. A link is refused (`EINVAL`).
     */
    readonly hold: (path: string) => Effect.Effect<string, FileError, Scope.Scope>
    /** Returns undefined when nothing is there. */
    readonly lstat: (path: string) => Done<FileStatus | undefined>
    /** Reads a regular file of at most `limit` bytes (`EFBIG`). A link is refused (`ELOOP`). */
    readonly read: (path: string, limit: number) => Done<string>
    readonly list: (path: string) => Done<ReadonlyArray<string>>
    /**
     * Fails as creating a file in this directory would, as far as that can be determined: `EACCES`, `EROFS`, `ENOSPC`,
     * `ENOTDIR`, `ENOENT`. Changes nothing. Follows a link, because the directory belongs to the node and not to a
     * container.
     */
    readonly writable: (directory: string) => Done
    /** Sets exactly this mode, whatever the umask. Fails with `EEXIST` when something is there. */
    readonly makeDirectory: (path: string, mode: number) => Done
    /** Fails with `ENOTEMPTY` when it is in use. */
    readonly removeDirectory: (path: string) => Done
    /** Creates a file with this group. Fails with `EEXIST` when something is there, a dangling link included. */
    readonly create: (path: string, content: string, mode: number, gid?: number) => Done
    /** Returns when a file's content, or the names in a directory, are on disk. Other fibers run meanwhile. */
    readonly sync: (path: string) => Done
    readonly rename: (from: string, to: string) => Done
    readonly link: (from: string, to: string) => Done
    readonly symlink: (target: string, path: string) => Done
    readonly readLink: (path: string) => Done<string>
    readonly unlink: (path: string) => Done
    /** Changes the file if it is of this kind (`EINVAL`). Holds it open, so that no link can replace it meanwhile. */
    readonly change: (path: string, kind: "directory" | "file" | "socket", change: FileChange) => Done
  }
>()("userspace-cni/Files") {
  /** Creates a new instance with pins of its own. */
  static readonly make = (): Files["Service"] => over(atOnce, atItsEnd)
  static readonly layer = Layer.sync(Files, Files.make)
}

const { O_DIRECTORY, O_NONBLOCK, O_RDONLY } = Fs.constants

export const codeOf = (cause: unknown): string => {
  const code = systemCode(cause)
  return code === "ERR_INVALID_ARG_VALUE" ? "EINVAL" : code
}

const statusOf = (stats: Fs.Stats): FileStatus => ({
  kind: kindOf(stats),
  mode: stats.mode & 0o7777,
  uid: stats.uid,
  gid: stats.gid,
  dev: stats.dev,
  ino: stats.ino,
  nlink: stats.nlink,
  modified: stats.mtimeMs,
  accessed: stats.atimeMs
})

/** Limits the pins of a layer that serves many calls. A call pins a few; the oldest are dropped. */
const mostPinned = 4096

const pins = () => {
  /** In the order of their last use. */
  const pinned = new Set<string>()
  return {
    has: (directory: string) => pinned.has(directory),
    add: (directory: string) => {
      pinned.delete(directory)
      pinned.add(directory)
      const [oldest = directory] = pinned
      if (pinned.size > mostPinned) pinned.delete(oldest)
    }
  }
}

/** How an operation ends. `late` handles a result that comes after the operation was given up. */
export type Finish = <A>(operation: string, path: string, work: Called<A>, late?: (a: A) => void) => Done<A>

const atItsEnd: Finish = (operation, path, work) =>
  Effect.mapError(work, (cause) => new FileError({ operation, path, code: codeOf(cause) }))

export const over = (calls: FileCalls, finish: Finish): Files["Service"] => {
  const pinned = pins()
  const { change, create, holding, makeDirectory, nameOf, read, writable } = operations(calls)

  /** Reaches the path through its directory held open, if that is pinned. */
  const at = <A>(path: string, use: (path: string) => Called<A>): Called<A> =>
    pinned.has(dirname(path))
      ? holding(dirname(path), O_PATH | O_DIRECTORY, (fd) => use(`/proc/self/fd/${fd}/${basename(path)}`))
      : use(path)

  const whole = <A>(operation: string, path: string, work: Called<A>, late?: (a: A) => void): Done<A> =>
    Effect.uninterruptible(finish(operation, path, work, late))

  const onPath = <A>(operation: string, path: string, use: (path: string) => Called<A>, late?: (a: A) => void) =>
    whole(
      operation,
      path,
      Effect.suspend(() => at(path, use)),
      late
    )

  return Files.of({
    pin: (directory) => Effect.sync(() => pinned.add(directory)),
    hold: (path) =>
      Effect.acquireRelease(
        onPath("hold", path, (path) => calls.open(path, O_PATH), Fs.closeSync),
        // The handle only names a file, so closing it waits for nothing.
        (fd) => Effect.sync(() => Fs.closeSync(fd))
      ).pipe(Effect.flatMap((fd) => whole("hold", path, nameOf(fd)))),
    lstat: (path) =>
      onPath("lstat", path, calls.lstat).pipe(
        Effect.map((stats) => (stats === undefined ? undefined : statusOf(stats))),
        orElse("ENOENT", undefined)
      ),
    read: (path, limit) => onPath("read", path, (path) => holding(path, O_PATH, (fd) => read(fd, limit))),
    list: (path) =>
      whole(
        "list",
        path,
        Effect.suspend(() =>
          pinned.has(path)
            ? holding(path, O_PATH | O_DIRECTORY, (fd) => calls.readdir(`/proc/self/fd/${fd}`))
            : calls.readdir(path)
        )
      ),
    writable: (path) => whole("write to", path, writable(path)),
    makeDirectory: (path, mode) => onPath("make directory", path, (path) => makeDirectory(path, mode)),
    removeDirectory: (path) => onPath("remove directory", path, calls.rmdir),
    create: (path, content, mode, gid) => onPath("create", path, (path) => create(path, content, mode, gid)),
    sync: (path) => finish("sync", path, Effect.flatMap(calls.open(path, O_RDONLY | O_NONBLOCK), calls.syncAndClose)),
    rename: (from, to) => onPath("rename", to, (to) => at(from, (from) => calls.rename(from, to))),
    link: (from, to) => onPath("link", to, (to) => at(from, (from) => calls.link(from, to))),
    symlink: (target, path) => onPath("symlink", path, (path) => calls.symlink(target, path)),
    readLink: (path) => onPath("read link", path, calls.readlink),
    unlink: (path) => onPath("remove", path, calls.unlink),
    change: (path, kind, wanted) =>
      onPath("change", path, (path) => holding(path, O_PATH, (fd) => change(fd, kind, wanted)))
  })
}

/** Turns expected error codes into a value. */
export const orElse =
  <B>(code: string | ReadonlyArray<string>, value: B) =>
  <A>(self: Done<A>): Done<A | B> =>
    Effect.catchIf(
      self,
      (error) => (typeof code === "string" ? code === error.code : code.includes(error.code)),
      (): Done<A | B> => Effect.succeed(value)
    )

/** The path to which a link leads, not normalized: only the kernel resolves `..` behind a linked directory. */
export const leadsTo = (link: string, target: string): string =>
  isAbsolute(target) ? target : `${dirname(link)}/${target}`
