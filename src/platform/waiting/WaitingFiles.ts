/**
 * {@link Files} for a process of many calls: the system works on another thread meanwhile, so that a mount that hangs holds
 * up who works on it and nobody else, and not for ever. The process of one call has the synchronous one, which needs no
 * threads: to start them costs it more than it could gain, because it has nobody else to hold up.
 *
 * What was given up may be done later, when the mount answers. Until then every operation below that directory fails at
 * once: each that waits has a thread of bun's pool, which has as many as processors unless `UV_THREADPOOL_SIZE` is set
 * before the process starts.
 */
import * as Fs from "node:fs"
import { basename, dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { codeOf, FileError, Files, fail, kindOf, O_PATH, orElse, pins, statusOf } from "../Files.ts"

type Failing<A> = Effect.Effect<A, unknown>
type Answered<A> = (cause: Error | null, value: A) => void

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = Fs.constants

/** What no system call takes, such as a path with a NUL, is thrown at once. */
const ask = <A>(start: (answered: Answered<A>) => void): Failing<A> =>
  Effect.callback((resume) => {
    const started = Result.try(() =>
      start((cause, value) => resume(cause ? Effect.fail(cause) : Effect.succeed(value)))
    )
    if (Result.isFailure(started)) resume(Effect.fail(started.failure))
  })

const tell = (start: (answered: (cause: Error | null) => void) => void): Failing<void> => ask<void>(start)

const open = (path: string, flags: number, mode = 0) =>
  ask<number>((done) => Fs.open(path, flags | O_NOFOLLOW, mode, done))
const close = (fd: number) => Effect.ignore(tell((done) => Fs.close(fd, done)))
const fstat = (fd: number) => ask<Fs.Stats>((done) => Fs.fstat(fd, done))
const unlink = (path: string) => tell((done) => Fs.unlink(path, done))
const refuse = (code: string) => Effect.try({ try: () => fail(code), catch: (cause) => cause })

const withDescriptor = <A>(path: string, flags: number, use: (fd: number) => Failing<A>): Failing<A> =>
  Effect.acquireUseRelease(open(path, flags), use, close)

const bytesOf = Effect.fnUntraced(function* (fd: number, size: number, limit: number) {
  const chunks: Array<Buffer> = []
  let total = 0
  for (let wanted = size + 1; ; wanted = 1 << 16) {
    const chunk = Buffer.allocUnsafe(Math.min(wanted, limit + 1 - total))
    const length = yield* ask<number>((done) => Fs.read(fd, chunk, 0, chunk.length, null, done))
    if (length === 0) return Buffer.concat(chunks, total)
    total += length
    if (total > limit) yield* refuse("EFBIG")
    chunks.push(chunk.subarray(0, length))
  }
})

/** How long the file system may take, in milliseconds. A disk with much to write takes seconds. */
export const patience = 30_000

export const make = (millis: number = patience): Files["Service"] => {
  const pinned = pins()
  /** Directories in which something was given up that has not come back. */
  const hanging = new Map<string, number>()
  const hangs = (path: string) => [...hanging.keys()].some((one) => path === one || path.startsWith(`${one}/`))
  const counted = (path: string, by: number) => {
    const left = (hanging.get(path) ?? 0) + by
    if (left > 0) hanging.set(path, left)
    else hanging.delete(path)
  }

  /** Not interrupted, but given up: until then nobody knows whether it was done. `late`: what to do with what comes then. */
  const settled = <A>(operation: string, path: string, work: Failing<A>, late: (a: A) => void = () => {}) =>
    Effect.callback<A, FileError>((resume) => {
      const error = (code: string) => new FileError({ operation, path, code })
      if (hangs(path)) return resume(Effect.fail(error("ETIMEDOUT")))
      let given = false
      const timer = setTimeout(() => {
        given = true
        counted(dirname(path), 1)
        resume(Effect.fail(error("ETIMEDOUT")))
      }, millis)
      Effect.runFork(Effect.mapError(work, (cause) => error(codeOf(cause)))).addObserver((exit) => {
        clearTimeout(timer)
        if (!given) return resume(exit)
        counted(dirname(path), -1)
        if (Exit.isSuccess(exit)) late(exit.value)
      })
    }).pipe(Effect.uninterruptible)

  /** By way of its directory held open, if that is pinned. */
  const at = <A>(path: string, use: (path: string) => Failing<A>): Failing<A> =>
    pinned.has(dirname(path))
      ? withDescriptor(dirname(path), O_PATH | O_DIRECTORY, (fd) => use(`/proc/self/fd/${fd}/${basename(path)}`))
      : Effect.suspend(() => use(path))

  const onPath = <A>(operation: string, path: string, use: (path: string) => Failing<A>, late?: (a: A) => void) =>
    settled(operation, path, at(path, use), late)

  const changed = Effect.fnUntraced(function* (
    path: string,
    kind: string,
    { gid, mode }: { readonly mode?: number | undefined; readonly gid?: number | undefined }
  ) {
    yield* withDescriptor(path, O_PATH, (fd) =>
      Effect.gen(function* () {
        const held = yield* fstat(fd)
        if (kindOf(held) !== kind) yield* refuse("EINVAL")
        if (gid !== undefined) yield* tell((done) => Fs.chown(`/proc/self/fd/${fd}`, held.uid, gid, done))
        if (mode !== undefined) yield* tell((done) => Fs.chmod(`/proc/self/fd/${fd}`, mode, done))
      })
    )
  })

  const written = (path: string, content: string, mode: number, gid?: number) =>
    Effect.flatMap(open(path, O_WRONLY | O_CREAT | O_EXCL, mode), (fd) =>
      Effect.gen(function* () {
        yield* tell((done) => Fs.writeFile(fd, content, done))
        if (gid !== undefined) {
          const { uid } = yield* fstat(fd)
          yield* tell((done) => Fs.fchown(fd, uid, gid, done))
        }
        yield* tell((done) => Fs.fchmod(fd, mode, done))
      }).pipe(
        Effect.ensuring(close(fd)),
        Effect.tapError(() => Effect.ignore(unlink(path)))
      )
    )

  return Files.of({
    pin: (directory) => Effect.sync(() => pinned.add(directory)),
    hold: (path) =>
      Effect.acquireRelease(
        onPath("hold", path, (path) => open(path, O_PATH), Fs.closeSync),
        // Of what only names something: there is nothing to wait for.
        (fd) => Effect.sync(() => Fs.closeSync(fd))
      ).pipe(
        Effect.tap((fd) =>
          settled(
            "hold",
            path,
            Effect.flatMap(fstat(fd), (stats) => (kindOf(stats) === "symlink" ? refuse("EINVAL") : Effect.void))
          )
        ),
        Effect.map((fd) => `/proc/${Fs.readlinkSync("/proc/self")}/fd/${fd}`)
      ),
    lstat: (path) =>
      onPath("lstat", path, (path) =>
        Effect.map(
          ask<Fs.Stats>((done) => Fs.lstat(path, done)),
          statusOf
        )
      ).pipe(orElse("ENOENT", undefined)),
    read: (path, limit) =>
      onPath("read", path, (path) =>
        // Looked at before it is opened: to open a device, which a container may have made, can do something.
        withDescriptor(path, O_PATH, (held) =>
          Effect.gen(function* () {
            const stats = yield* fstat(held)
            if (!stats.isFile()) yield* refuse(stats.isSymbolicLink() ? "ELOOP" : "EINVAL")
            if (stats.size > limit) yield* refuse("EFBIG")
            const opened = ask<number>((done) => Fs.open(`/proc/self/fd/${held}`, O_RDONLY | O_NONBLOCK, 0, done))
            const bytes = yield* Effect.acquireUseRelease(opened, (fd) => bytesOf(fd, stats.size, limit), close)
            return bytes.toString("utf8")
          })
        )
      ),
    list: (path) => {
      const names = (path: string) => ask<Array<string>>((done) => Fs.readdir(path, done))
      return settled(
        "list",
        path,
        pinned.has(path)
          ? withDescriptor(path, O_PATH | O_DIRECTORY, (fd) => names(`/proc/self/fd/${fd}`))
          : names(path)
      )
    },
    writable: (path) =>
      settled(
        "write to",
        path,
        Effect.gen(function* () {
          const stats = yield* ask<Fs.Stats>((done) => Fs.stat(path, done))
          if (!stats.isDirectory()) yield* refuse("ENOTDIR")
          yield* tell((done) => Fs.access(path, Fs.constants.W_OK | Fs.constants.X_OK, done))
          const { bavail, bfree, blocks, ffree, files } = yield* ask<Fs.StatsFs>((done) => Fs.statfs(path, done))
          const left = process.getuid?.() === 0 ? bfree : bavail
          if ((blocks > 0 && left === 0) || (files > 0 && ffree === 0)) yield* refuse("ENOSPC")
        })
      ),
    makeDirectory: (path, mode) =>
      onPath("make directory", path, (path) =>
        Effect.andThen(
          tell((done) => Fs.mkdir(path, mode, done)),
          withDescriptor(path, O_RDONLY | O_DIRECTORY, (fd) => tell((done) => Fs.fchmod(fd, mode, done)))
        )
      ),
    removeDirectory: (path) => onPath("remove directory", path, (path) => tell((done) => Fs.rmdir(path, done))),
    create: (path, content, mode, gid) => onPath("create", path, (path) => written(path, content, mode, gid)),
    sync: (path) =>
      settled(
        "sync",
        path,
        withDescriptor(path, O_RDONLY | O_NONBLOCK, (fd) => tell((done) => Fs.fsync(fd, done)))
      ),
    rename: (from, to) => onPath("rename", to, (to) => at(from, (from) => tell((done) => Fs.rename(from, to, done)))),
    link: (from, to) => onPath("link", to, (to) => at(from, (from) => tell((done) => Fs.link(from, to, done)))),
    symlink: (target, path) => onPath("symlink", path, (path) => tell((done) => Fs.symlink(target, path, done))),
    readLink: (path) => onPath("read link", path, (path) => ask<string>((done) => Fs.readlink(path, done))),
    unlink: (path) => onPath("remove", path, unlink),
    change: (path, kind, change) => onPath("change", path, (path) => changed(path, kind, change))
  })
}

export const layer = (millis: number = patience): Layer.Layer<Files> => Layer.sync(Files, () => make(millis))
