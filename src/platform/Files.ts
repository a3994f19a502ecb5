/**
 * The file system, as far as the plugin needs it: the edge that tests replace to be out of space or read-only. Calls
 * are synchronous, but for `sync`: local files, microseconds, and no thread pool to start. Links are never followed in the last
 * component, because a container can write into the directories that this is used on.
 * Effect's own FileSystem layer costs 4.6 ms at start (docs/performance.md); no policy lives here.
 */
import * as Fs from "node:fs"
import { basename, dirname, isAbsolute } from "node:path"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

export class FileError extends Data.TaggedError("FileError")<{
  readonly operation: string
  readonly path: string
  /** The system's error: `ENOENT`, `ENOSPC`, `EROFS`, `EEXIST`, ...; `EINVAL` for a path with a NUL. */
  readonly code: string
}> {
  override get message(): string {
    return `${this.operation} ${this.path}: ${this.code}`
  }
}

export type FileKind = "file" | "directory" | "socket" | "symlink" | "other"

/** What lstat says; `mode` is the permission bits only. */
export interface FileStatus {
  readonly kind: FileKind
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly dev: number
  readonly ino: number
  readonly nlink: number
  /** When its content was changed last, in milliseconds. */
  readonly modified: number
}

type Done<A = void> = Effect.Effect<A, FileError>

export class Files extends Context.Service<
  Files,
  {
    /**
     * From now on a name in this directory is reached in what is a directory there at that moment, never through a link
     * in its place (`ENOTDIR`): somebody else can put one there between any two steps of ours.
     */
    readonly pin: (directory: string) => Effect.Effect<void>
    /**
     * Another path of what is at `path` now, for programs as well, until the scope ends: whatever is put in its place,
     * it leads to the same. A link is refused (`EINVAL`).
     */
    readonly hold: (path: string) => Effect.Effect<string, FileError, Scope.Scope>
    /** Undefined when there is nothing. */
    readonly lstat: (path: string) => Done<FileStatus | undefined>
    /** Text of a regular file of at most `limit` bytes (`EFBIG`); a link is refused (`ELOOP`). */
    readonly read: (path: string, limit: number) => Done<string>
    readonly list: (path: string) => Done<ReadonlyArray<string>>
    /**
     * Fails as making a file in this directory would, as far as looking can tell: `EACCES`, `EROFS`, `ENOSPC`, `ENOTDIR`,
     * `ENOENT`. Changes nothing. Follows a link: the directory is the node's, not a container's.
     */
    readonly writable: (directory: string) => Done
    /** Exactly this mode, whatever the umask; `EEXIST` when something is there. */
    readonly makeDirectory: (path: string, mode: number) => Done
    /** `ENOTEMPTY` when it is in use. */
    readonly removeDirectory: (path: string) => Done
    /** A new file, of that group; `EEXIST` when something is there, a dangling link included. */
    readonly create: (path: string, content: string, mode: number, gid?: number) => Done
    /** A file's content, or the names in a directory, are on disk when it returns. Others run meanwhile: it takes long. */
    readonly sync: (path: string) => Done
    readonly rename: (from: string, to: string) => Done
    readonly link: (from: string, to: string) => Done
    readonly symlink: (target: string, path: string) => Done
    readonly readLink: (path: string) => Done<string>
    readonly unlink: (path: string) => Done
    /** Changes what `path` names now, if it is of this kind (`EINVAL`); holds it open, so no link can be put in its place. */
    readonly change: (
      path: string,
      kind: "directory" | "file" | "socket",
      change: { readonly mode?: number | undefined; readonly gid?: number | undefined }
    ) => Done
  }
>()("userspace-cni/Files") {
  /** A new one: what is pinned is its own. */
  static readonly make = (): Files["Service"] => make()
  static readonly layer = Layer.sync(Files, Files.make)
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = Fs.constants

/** open(2): a handle to a name of any kind, sockets included. Node has no constant for it; the same on x64 and arm64. */
export const O_PATH = 0o10000000

export const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code === "ERR_INVALID_ARG_VALUE"
      ? "EINVAL"
      : cause.code
    : String(cause)

const attempt = <A>(operation: string, path: string, f: () => A): Done<A> =>
  Effect.try({ try: f, catch: (cause) => new FileError({ operation, path, code: codeOf(cause) }) })

const withDescriptor = <A>(path: string, flags: number, mode: number, use: (fd: number) => A): A => {
  using open = descriptor(Fs.openSync(path, flags | O_NOFOLLOW, mode))
  return use(open.fd)
}

const descriptor = (fd: number) => ({ fd, [Symbol.dispose]: () => Fs.closeSync(fd) })

export const fail = (code: string): never => {
  throw Object.assign(new Error(code), { code })
}

/** At most so many bytes: a file can grow while it is read, and one of /proc does not say how long it is. */
const bytesOf = (fd: number, size: number, limit: number): Buffer => {
  const chunks: Array<Buffer> = []
  let total = 0
  for (let wanted = size + 1; ; wanted = 1 << 16) {
    const chunk = Buffer.allocUnsafe(Math.min(wanted, limit + 1 - total))
    const length = Fs.readSync(fd, chunk)
    if (length === 0) return Buffer.concat(chunks, total)
    total += length
    if (total > limit) fail("EFBIG")
    chunks.push(chunk.subarray(0, length))
  }
}

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

export const statusOf = (stats: Fs.Stats): FileStatus => ({
  kind: kindOf(stats),
  mode: stats.mode & 0o7777,
  uid: stats.uid,
  gid: stats.gid,
  dev: stats.dev,
  ino: stats.ino,
  nlink: stats.nlink,
  modified: stats.mtimeMs
})

/** A call pins a handful, and a layer may live for many calls: those of long ago go. */
const mostPinned = 4096

export const pins = () => {
  /** The latest last. */
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

const make = () => {
  const pinned = pins()

  /** By way of its directory held open, if that is pinned. */
  const at = <A>(path: string, use: (path: string) => A): A => {
    const directory = dirname(path)
    return pinned.has(directory)
      ? withDescriptor(directory, O_PATH | O_DIRECTORY, 0, (fd) => use(`/proc/self/fd/${fd}/${basename(path)}`))
      : use(path)
  }

  const onPath = <A>(operation: string, path: string, use: (path: string) => A): Done<A> =>
    attempt(operation, path, () => at(path, use))

  return Files.of({
    pin: (directory) => Effect.sync(() => pinned.add(directory)),
    hold: (path) =>
      Effect.acquireRelease(
        onPath("hold", path, (path) => Fs.openSync(path, O_PATH | O_NOFOLLOW)),
        (fd) => Effect.sync(() => Fs.closeSync(fd))
      ).pipe(
        Effect.flatMap((fd) =>
          attempt("hold", path, () => {
            if (kindOf(Fs.fstatSync(fd)) === "symlink") fail("EINVAL")
            // As /proc counts, which may be that of another PID namespace than ours.
            return `/proc/${Fs.readlinkSync("/proc/self")}/fd/${fd}`
          })
        )
      ),
    lstat: (path) =>
      onPath("lstat", path, (path) => {
        const stats = Fs.lstatSync(path, { throwIfNoEntry: false })
        return stats === undefined ? undefined : statusOf(stats)
      }).pipe(orElse("ENOENT", undefined)),
    read: (path, limit) =>
      onPath("read", path, (path) =>
        // Looked at before it is opened: to open a device, which a container may have made, can do something.
        withDescriptor(path, O_PATH, 0, (held) => {
          const stats = Fs.fstatSync(held)
          if (!stats.isFile()) fail(stats.isSymbolicLink() ? "ELOOP" : "EINVAL")
          if (stats.size > limit) fail("EFBIG")
          using open = descriptor(Fs.openSync(`/proc/self/fd/${held}`, O_RDONLY | O_NONBLOCK))
          return bytesOf(open.fd, stats.size, limit).toString("utf8")
        })
      ),
    list: (path) =>
      attempt("list", path, () =>
        pinned.has(path)
          ? withDescriptor(path, O_PATH | O_DIRECTORY, 0, (fd) => Fs.readdirSync(`/proc/self/fd/${fd}`))
          : Fs.readdirSync(path)
      ),
    writable: (path) =>
      attempt("write to", path, () => {
        if (!Fs.statSync(path).isDirectory()) fail("ENOTDIR")
        Fs.accessSync(path, Fs.constants.W_OK | Fs.constants.X_OK)
        const { bavail, bfree, blocks, ffree, files } = Fs.statfsSync(path)
        // The last blocks of some file systems are root's. Others count no blocks, or no files.
        const left = process.getuid?.() === 0 ? bfree : bavail
        if ((blocks > 0 && left === 0) || (files > 0 && ffree === 0)) fail("ENOSPC")
      }),
    makeDirectory: (path, mode) =>
      onPath("make directory", path, (path) => {
        Fs.mkdirSync(path, mode)
        withDescriptor(path, O_RDONLY | O_DIRECTORY, 0, (fd) => Fs.fchmodSync(fd, mode))
      }),
    removeDirectory: (path) => onPath("remove directory", path, Fs.rmdirSync),
    create: (path, content, mode, gid) =>
      onPath("create", path, (path) => Fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)).pipe(
        Effect.flatMap((fd) =>
          attempt("write", path, () => {
            using open = descriptor(fd)
            Fs.writeFileSync(open.fd, content)
            if (gid !== undefined) Fs.fchownSync(open.fd, Fs.fstatSync(open.fd).uid, gid)
            Fs.fchmodSync(open.fd, mode)
          }).pipe(Effect.tapError(() => Effect.ignore(onPath("remove", path, Fs.unlinkSync))))
        ),
        Effect.uninterruptible
      ),
    sync: (path) =>
      Effect.flatMap(
        attempt("sync", path, () => Fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)),
        // Closed behind the thread that works with it, which an interruption does not stop: the number may be another's.
        (fd) =>
          Effect.callback<void, FileError>((resume) =>
            Fs.fsync(fd, (cause) => {
              Fs.closeSync(fd)
              resume(cause ? Effect.fail(new FileError({ operation: "sync", path, code: codeOf(cause) })) : Effect.void)
            })
          )
      ),
    rename: (from, to) => onPath("rename", to, (to) => at(from, (from) => Fs.renameSync(from, to))),
    link: (from, to) => onPath("link", to, (to) => at(from, (from) => Fs.linkSync(from, to))),
    symlink: (target, path) => onPath("symlink", path, (path) => Fs.symlinkSync(target, path)),
    readLink: (path) => onPath("read link", path, (path) => Fs.readlinkSync(path)),
    unlink: (path) => onPath("remove", path, Fs.unlinkSync),
    change: (path, kind, { mode, gid }) =>
      onPath("change", path, (path) =>
        withDescriptor(path, O_PATH, 0, (fd) => {
          const held = Fs.fstatSync(fd)
          if (kindOf(held) !== kind) fail("EINVAL")
          if (gid !== undefined) Fs.chownSync(`/proc/self/fd/${fd}`, held.uid, gid)
          if (mode !== undefined) Fs.chmodSync(`/proc/self/fd/${fd}`, mode)
        })
      )
  })
}

/** Turns one expected error code into a value. */
export const orElse =
  <B>(code: string | ReadonlyArray<string>, value: B) =>
  <A>(self: Done<A>): Done<A | B> =>
    Effect.catchIf(
      self,
      (error) => (typeof code === "string" ? code === error.code : code.includes(error.code)),
      (): Done<A | B> => Effect.succeed(value)
    )

/** The path to which a link leads, without making it shorter: `..` behind a directory that is a link is the kernel's. */
export const leadsTo = (link: string, target: string): string =>
  isAbsolute(target) ? target : `${dirname(link)}/${target}`
