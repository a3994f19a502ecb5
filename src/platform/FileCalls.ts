/**
 * The system calls below {@link Files} and {@link Namespaces}, and operations that take several. Here the calls are
 * synchronous; `AsyncFiles.ts` runs them on another thread.
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"

/** Fails with what the call threw. */
export type Called<A = unknown> = Effect.Effect<A, unknown>

/** Adds O_NOFOLLOW to the open(2) flags unless `follow` is set. */
export const noFollow = (flags: number, follow: "follow" | undefined): number =>
  follow === undefined ? flags | Fs.constants.O_NOFOLLOW : flags

export const release = (fd: number): Effect.Effect<void> => Effect.sync(() => Fs.closeSync(fd))

const now = <A>(call: () => A): Called<A> => Effect.try({ try: call, catch: (cause) => cause })

export const atOnce = {
  /** Follows a link in the last component only with `follow`, which is for /proc/self/fd. */
  open: (path: string, flags: number, mode = 0, follow?: "follow") =>
    now(() => Fs.openSync(path, noFollow(flags, follow), mode)),
  close: release,
  /** Closes a descriptor opened with O_PATH. The file system is not asked, so it is done at once always. */
  release,
  read: (fd: number, into: Buffer) => now(() => Fs.readSync(fd, into)),
  write: (fd: number, content: string) => now(() => Fs.writeFileSync(fd, content)),
  /** Syncs and closes. Always runs on another thread, because it is slow; an interruption does not stop that thread. */
  syncAndClose: (fd: number): Called<void> =>
    Effect.callback((resume) =>
      Fs.fsync(fd, (cause) => {
        Fs.closeSync(fd)
        resume(cause ? Effect.fail(cause) : Effect.void)
      })
    ),
  /** Returns undefined, or fails with `ENOENT`, when nothing is there. */
  lstat: (path: string) => now(() => Fs.lstatSync(path, { throwIfNoEntry: false })),
  stat: (path: string) => now(() => Fs.statSync(path)),
  fstat: (fd: number) => now(() => Fs.fstatSync(fd)),
  statfs: (path: string) => now(() => Fs.statfsSync(path)),
  access: (path: string, mode: number) => now(() => Fs.accessSync(path, mode)),
  readdir: (path: string) => now((): ReadonlyArray<string> => Fs.readdirSync(path)),
  readlink: (path: string) => now(() => Fs.readlinkSync(path)),
  mkdir: (path: string, mode: number) => now((): void => Fs.mkdirSync(path, mode)),
  rmdir: (path: string) => now(() => Fs.rmdirSync(path)),
  rename: (from: string, to: string) => now(() => Fs.renameSync(from, to)),
  link: (from: string, to: string) => now(() => Fs.linkSync(from, to)),
  symlink: (target: string, path: string) => now(() => Fs.symlinkSync(target, path)),
  unlink: (path: string) => now(() => Fs.unlinkSync(path)),
  chmod: (path: string, mode: number) => now(() => Fs.chmodSync(path, mode)),
  fchmod: (fd: number, mode: number) => now(() => Fs.fchmodSync(fd, mode)),
  chown: (path: string, uid: number, gid: number) => now(() => Fs.chownSync(path, uid, gid)),
  fchown: (fd: number, uid: number, gid: number) => now(() => Fs.fchownSync(fd, uid, gid))
}

export type FileCalls = typeof atOnce

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
