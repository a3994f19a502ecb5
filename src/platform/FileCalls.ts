/**
 * The system calls below {@link Files} and {@link Namespaces}, and operations that take several. One table has both forms
 * of each call: `atOnce` is for the process of one call, `onThread` for one of many (`AsyncFiles.ts`).
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** Fails with what the call threw. */
export type Called<A = unknown> = Effect.Effect<A, unknown>

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
  readonly gid?: number | undefined
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY, W_OK, X_OK } = Fs.constants

/** open(2): a handle to a name of any kind. Node has no constant for it. The value is the same on x64 and arm64. */
export const O_PATH = 0o10000000

const refuse = (code: string): Called<never> => Effect.fail(Object.assign(new Error(code), { code }))

export const kindOf = (stats: Fs.Stats): FileKind =>
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
export const operations = (calls: FileCalls) => {
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

  const change = Effect.fnUntraced(function* (held: number, kind: FileKind, { gid, mode }: FileChange) {
    const stats = yield* calls.fstat(held)
    if (kindOf(stats) !== kind) yield* refuse("EINVAL")
    if (gid !== undefined) yield* calls.chown(`/proc/self/fd/${held}`, stats.uid, gid)
    if (mode !== undefined) yield* calls.chmod(`/proc/self/fd/${held}`, mode)
  })

  /** Uses the PID of /proc, which may be that of another PID namespace. */
  const nameOf = Effect.fnUntraced(function* (held: number) {
    if (kindOf(yield* calls.fstat(held)) === "symlink") yield* refuse("EINVAL")
    return `/proc/${yield* calls.readlink("/proc/self")}/fd/${held}`
  })

  return { change, create, holding, makeDirectory, nameOf, read, writable }
}
