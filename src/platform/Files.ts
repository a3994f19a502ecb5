/**
 * The file system, as far as the plugin needs it: the edge that tests replace to be out of space or read-only. Calls
 * are synchronous, but for `sync`: local files, microseconds, and no thread pool to start. Links are never followed in the last
 * component, because a container can write into the directories that this is used on.
 * Effect's own FileSystem layer costs 4.6 ms at start (docs/performance.md); no policy lives here.
 */
import * as Fs from "node:fs"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

export class FileError extends Schema.TaggedError<FileError>()("FileError", {
  operation: Schema.String,
  path: Schema.String,
  /** The system's error: `ENOENT`, `ENOSPC`, `EROFS`, `EEXIST`, ... */
  code: Schema.String
}) {
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
}

type Done<A = void> = Effect.Effect<A, FileError>

export class Files extends Context.Service<
  Files,
  {
    /** Undefined when there is nothing. */
    readonly lstat: (path: string) => Done<FileStatus | undefined>
    /** Text of a regular file of at most `limit` bytes (`EFBIG`); a link is refused (`ELOOP`). */
    readonly read: (path: string, limit: number) => Done<string>
    readonly list: (path: string) => Done<ReadonlyArray<string>>
    /** Exactly this mode, whatever the umask; `EEXIST` when something is there. */
    readonly makeDirectory: (path: string, mode: number) => Done
    /** `ENOTEMPTY` when it is in use. */
    readonly removeDirectory: (path: string) => Done
    /** A new file; `EEXIST` when something is there, a dangling link included. */
    readonly create: (path: string, content: string, mode: number) => Done
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
      kind: "directory" | "socket",
      change: { readonly mode?: number | undefined; readonly gid?: number | undefined }
    ) => Done
  }
>()("userspace-cni/Files") {
  static readonly layer = Layer.sync(Files, () => make)
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = Fs.constants

/** open(2): a handle to a name of any kind, sockets included. Node has no constant for it; the same on x64 and arm64. */
const O_PATH = 0o10000000

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : String(cause)

const attempt = <A>(operation: string, path: string, f: () => A): Done<A> =>
  Effect.try({ try: f, catch: (cause) => new FileError({ operation, path, code: codeOf(cause) }) })

const withDescriptor = <A>(path: string, flags: number, mode: number, use: (fd: number) => A): A => {
  using open = descriptor(Fs.openSync(path, flags | O_NOFOLLOW, mode))
  return use(open.fd)
}

const descriptor = (fd: number) => ({ fd, [Symbol.dispose]: () => Fs.closeSync(fd) })

const fail = (code: string): never => {
  throw Object.assign(new Error(code), { code })
}

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

const status = (stats: Fs.Stats): FileStatus => ({
  kind: kindOf(stats),
  mode: stats.mode & 0o7777,
  uid: stats.uid,
  gid: stats.gid,
  dev: stats.dev,
  ino: stats.ino,
  nlink: stats.nlink
})

const make = Files.of({
  lstat: (path) =>
    attempt("lstat", path, () => {
      const stats = Fs.lstatSync(path, { throwIfNoEntry: false })
      return stats === undefined ? undefined : status(stats)
    }),
  read: (path, limit) =>
    attempt("read", path, () =>
      withDescriptor(path, O_RDONLY | O_NONBLOCK, 0, (fd) => {
        const stats = Fs.fstatSync(fd)
        if (!stats.isFile()) fail("EINVAL")
        if (stats.size > limit) fail("EFBIG")
        return Fs.readFileSync(fd, "utf8")
      })
    ).pipe(
      // A socket cannot even be opened.
      Effect.mapError((error) =>
        error.code === "ENXIO" ? new FileError({ operation: "read", path, code: "EINVAL" }) : error
      )
    ),
  list: (path) => attempt("list", path, () => Fs.readdirSync(path)),
  makeDirectory: (path, mode) =>
    attempt("make directory", path, () => {
      Fs.mkdirSync(path, mode)
      withDescriptor(path, O_RDONLY | O_DIRECTORY, 0, (fd) => Fs.fchmodSync(fd, mode))
    }),
  removeDirectory: (path) => attempt("remove directory", path, () => Fs.rmdirSync(path)),
  create: (path, content, mode) =>
    attempt("create", path, () => Fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)).pipe(
      Effect.flatMap((fd) =>
        attempt("write", path, () => {
          using open = descriptor(fd)
          Fs.writeFileSync(open.fd, content)
          Fs.fchmodSync(open.fd, mode)
        }).pipe(Effect.tapError(() => Effect.ignore(attempt("remove", path, () => Fs.unlinkSync(path)))))
      ),
      Effect.uninterruptible
    ),
  sync: (path) =>
    Effect.acquireUseRelease(
      attempt("sync", path, () => Fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)),
      (fd) =>
        Effect.callback((resume) =>
          Fs.fsync(fd, (cause) =>
            resume(cause ? Effect.fail(new FileError({ operation: "sync", path, code: codeOf(cause) })) : Effect.void)
          )
        ),
      (fd) => Effect.sync(() => Fs.closeSync(fd))
    ),
  rename: (from, to) => attempt("rename", to, () => Fs.renameSync(from, to)),
  link: (from, to) => attempt("link", to, () => Fs.linkSync(from, to)),
  symlink: (target, path) => attempt("symlink", path, () => Fs.symlinkSync(target, path)),
  readLink: (path) => attempt("read link", path, () => Fs.readlinkSync(path)),
  unlink: (path) => attempt("remove", path, () => Fs.unlinkSync(path)),
  change: (path, kind, { mode, gid }) =>
    attempt("change", path, () =>
      withDescriptor(path, O_PATH, 0, (fd) => {
        const held = Fs.fstatSync(fd)
        if (kindOf(held) !== kind) fail("EINVAL")
        if (gid !== undefined) Fs.chownSync(`/proc/self/fd/${fd}`, held.uid, gid)
        if (mode !== undefined) Fs.chmodSync(`/proc/self/fd/${fd}`, mode)
      })
    )
})

/** Turns one expected error code into a value. */
export const orElse =
  <B>(code: string | ReadonlyArray<string>, value: B) =>
  <A>(self: Done<A>): Done<A | B> =>
    Effect.catchIf(
      self,
      (error) => (typeof code === "string" ? code === error.code : code.includes(error.code)),
      (): Done<A | B> => Effect.succeed(value)
    )
