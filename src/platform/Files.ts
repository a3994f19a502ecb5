/**
 * The file system as far as the plugin needs it: the edge that tests replace, for example with a full or read-only one.
 * Calls are synchronous, except `sync`: local files take microseconds, and no thread pool has to start. One table has
 * both forms of each call: `atOnce` is for the process of one call, `onThread` for one of many (`AsyncFiles.ts`). Links
 * are never followed in the last component, because a container can write to these directories. Effect's own FileSystem
 * layer costs 4.6 ms at start (docs/performance.md). This module has no policy.
 */
import * as Fs from "node:fs"
import { basename, dirname, isAbsolute } from "node:path"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { codeOf as systemCode } from "./process/StandardStreams.ts"

/** Fails with what the call threw. */
type Called<A = unknown> = Effect.Effect<A, unknown>

const now = <A>(call: () => A): Called<A> => Effect.try({ try: call, catch: (cause) => cause })

type Answered<A> = (cause: Error | null, value: A) => void

/** Another thread makes the call. An invalid argument, such as a path with a NUL, throws at once. */
const later = <A>(start: (answered: Answered<A>) => void): Called<A> =>
  Effect.callback((resume) => {
    const started = Result.try(() =>
      start((cause, value) => resume(cause ? Effect.fail(cause) : Effect.succeed(value)))
    )
    if (Result.isFailure(started)) resume(Effect.fail(started.failure))
  })

/** Adds O_NOFOLLOW to the open(2) flags unless `follow` is set. */
const noFollow = (flags: number, follow: "follow" | undefined): number =>
  follow === undefined ? flags | Fs.constants.O_NOFOLLOW : flags

const callsOn = (thread: "own" | "other") => {
  type Arguments = ReadonlyArray<unknown>

  /** A call with a value, in Node's two forms. */
  const gives =
    <Args extends Arguments, A>(call: (...args: Args) => A, start: (...args: [...Args, Answered<A>]) => void) =>
    (...args: Args): Called<A> =>
      thread === "own" ? now(() => call(...args)) : later((answered) => start(...args, answered))

  /** A call without one. */
  const does =
    <Args extends Arguments>(
      call: (...args: Args) => void,
      start: (...args: [...Args, (cause: Error | null) => void]) => void
    ) =>
    (...args: Args): Called<void> =>
      thread === "own"
        ? now(() => call(...args))
        : later<void>((answered) => start(...args, (cause) => answered(cause, undefined)))

  const open = gives<[path: string, flags: number, mode: number], number>(Fs.openSync, Fs.open)
  const close = does<[fd: number]>(Fs.closeSync, Fs.close)
  return {
    /** Follows a link in the last component only with `follow`, which is for /proc/self/fd. */
    open: (path: string, flags: number, mode = 0, follow?: "follow") => open(path, noFollow(flags, follow), mode),
    close: (fd: number) => Effect.ignore(close(fd)),
    /** Closes a descriptor opened with O_PATH. The file system is not asked, so it is done at once always. */
    release: (fd: number): Effect.Effect<void> => Effect.sync(() => Fs.closeSync(fd)),
    read: gives<[fd: number, into: Buffer], number>(Fs.readSync, (fd, into, answered) =>
      Fs.read(fd, into, 0, into.length, null, answered)
    ),
    write: does<[fd: number, content: string]>(Fs.writeFileSync, Fs.writeFile),
    /** Syncs and closes. Always runs on another thread, because it is slow; an interruption does not stop that thread. */
    syncAndClose: (fd: number): Called<void> =>
      later((answered) => Fs.fsync(fd, (cause) => Fs.close(fd, () => answered(cause, undefined)))),
    /** Returns undefined, or fails with `ENOENT`, when nothing is there. */
    lstat: gives<[path: string], Fs.Stats | undefined>(
      (path) => Fs.lstatSync(path, { throwIfNoEntry: false }),
      Fs.lstat
    ),
    stat: gives<[path: string], Fs.Stats>(Fs.statSync, Fs.stat),
    fstat: gives<[fd: number], Fs.Stats>(Fs.fstatSync, Fs.fstat),
    statfs: gives<[path: string], Fs.StatsFs>(Fs.statfsSync, Fs.statfs),
    access: does<[path: string, mode: number]>(Fs.accessSync, Fs.access),
    readdir: gives<[path: string], ReadonlyArray<string>>(Fs.readdirSync, Fs.readdir),
    readlink: gives<[path: string], string>(Fs.readlinkSync, Fs.readlink),
    mkdir: does<[path: string, mode: number]>(Fs.mkdirSync, Fs.mkdir),
    rmdir: does<[path: string]>(Fs.rmdirSync, Fs.rmdir),
    rename: does<[from: string, to: string]>(Fs.renameSync, Fs.rename),
    link: does<[from: string, to: string]>(Fs.linkSync, Fs.link),
    symlink: does<[target: string, path: string]>(Fs.symlinkSync, Fs.symlink),
    unlink: does<[path: string]>(Fs.unlinkSync, Fs.unlink),
    chmod: does<[path: string, mode: number]>(Fs.chmodSync, Fs.chmod),
    fchmod: does<[fd: number, mode: number]>(Fs.fchmodSync, Fs.fchmod),
    chown: does<[path: string, uid: number, gid: number]>(Fs.chownSync, Fs.chown),
    fchown: does<[fd: number, uid: number, gid: number]>(Fs.fchownSync, Fs.fchown)
  }
}

export type FileCalls = ReturnType<typeof callsOn>

export const atOnce = callsOn("own")
export const onThread = callsOn("other")

export type FileKind = "file" | "directory" | "socket" | "symlink" | "other"

export interface FileChange {
  readonly mode?: number | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY, W_OK, X_OK } = Fs.constants

/** open(2): a handle to a name of any kind. Node has no constant for it. The value is the same on x64 and arm64. */
const O_PATH = 0o10000000

const refuse = (code: string): Called<never> => Effect.fail(Object.assign(new Error(code), { code }))

const kindOf = (stats: Fs.Stats): FileKind =>
  stats.isFile()
    ? "file"
    : stats.isDirectory()
      ? "directory"
      : stats.isSocket()
        ? "socket"
        : stats.isSymbolicLink()
          ? "symlink"
          : "other"

/** The file is held open meanwhile, so that no link can replace it. Which directories are pinned is not known here. */
const operations = (calls: FileCalls) => {
  const holding = <A>(path: string, flags: number, use: (fd: number) => Called<A>): Called<A> =>
    Effect.acquireUseRelease(calls.open(path, flags), use, (flags & O_PATH) === 0 ? calls.close : calls.release)

  /** Reads at most `limit` bytes. A file can grow while it is read, and a file of /proc does not report its size. */
  const textOf = Effect.fnUntraced(function* (fd: number, size: number, limit: number) {
    const chunks: Array<Buffer> = []
    let total = 0
    for (let wanted = size + 1; ; wanted = 1 << 16) {
      const chunk = Buffer.allocUnsafe(Math.min(wanted, limit + 1 - total))
      const length = yield* calls.read(fd, chunk)
      if (length === 0) return Buffer.concat(chunks, total).toString("utf8")
      total += length
      if (total > limit) yield* refuse("EFBIG")
      chunks.push(chunk.subarray(0, length))
      // A short read is the end only where the size says so: of /proc, and of a file system in user space, it can come before.
      if (size > 0 && total >= size && length < chunk.length) return Buffer.concat(chunks, total).toString("utf8")
    }
  })

  /** Checks the kind before opening: opening a device, which a container may have created, can have effects. */
  const read = Effect.fnUntraced(function* (held: number, limit: number) {
    const stats = yield* calls.fstat(held)
    if (!stats.isFile()) yield* refuse(stats.isSymbolicLink() ? "ELOOP" : "EINVAL")
    if (stats.size > limit) yield* refuse("EFBIG")
    return yield* Effect.acquireUseRelease(
      calls.open(`/proc/self/fd/${held}`, O_RDONLY | O_NONBLOCK, 0, "follow"),
      (fd) => textOf(fd, stats.size, limit),
      calls.close
    )
  })

  const writable = Effect.fnUntraced(function* (path: string) {
    if (!(yield* calls.stat(path)).isDirectory()) yield* refuse("ENOTDIR")
    yield* calls.access(path, W_OK | X_OK)
    const { bavail, bfree, blocks, ffree, files } = yield* calls.statfs(path)
    // Some file systems reserve the last blocks for root. Others count no blocks, or no files.
    const left = process.getuid?.() === 0 ? bfree : bavail
    if ((blocks > 0 && left === 0) || (files > 0 && ffree === 0)) yield* refuse("ENOSPC")
  })

  const makeDirectory = Effect.fnUntraced(function* (path: string, mode: number) {
    yield* calls.mkdir(path, mode)
    yield* holding(path, O_RDONLY | O_DIRECTORY, (fd) => calls.fchmod(fd, mode))
  })

  const write = Effect.fnUntraced(function* (fd: number, content: string, mode: number, gid?: number) {
    yield* calls.write(fd, content)
    if (gid !== undefined) yield* calls.fchown(fd, (yield* calls.fstat(fd)).uid, gid)
    yield* calls.fchmod(fd, mode)
  })

  const create = (path: string, content: string, mode: number, gid?: number) =>
    Effect.flatMap(calls.open(path, O_WRONLY | O_CREAT | O_EXCL, mode), (fd) =>
      write(fd, content, mode, gid).pipe(
        Effect.ensuring(calls.close(fd)),
        Effect.tapError(() => Effect.ignore(calls.unlink(path)))
      )
    )

  const change = Effect.fnUntraced(function* (held: number, kind: FileKind, { gid, mode, uid }: FileChange) {
    const stats = yield* calls.fstat(held)
    if (kindOf(stats) !== kind) yield* refuse("EINVAL")
    if (gid !== undefined || uid !== undefined) {
      yield* calls.chown(`/proc/self/fd/${held}`, uid ?? stats.uid, gid ?? stats.gid)
    }
    if (mode !== undefined) yield* calls.chmod(`/proc/self/fd/${held}`, mode)
  })

  /** Uses the PID of /proc, which may be that of another PID namespace. */
  const nameOf = Effect.fnUntraced(function* (held: number) {
    if (kindOf(yield* calls.fstat(held)) === "symlink") yield* refuse("EINVAL")
    return `/proc/${yield* calls.readlink("/proc/self")}/fd/${held}`
  })

  return { change, create, holding, makeDirectory, nameOf, read, writable }
}

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
