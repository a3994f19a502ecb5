/**
 * The system calls below {@link Files} and {@link Namespaces}. Here they are synchronous; `AsyncFiles.ts` runs them
 * on another thread.
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"

/** Fails with what the call threw. */
export type Called<A = unknown> = Effect.Effect<A, unknown>

export interface FileCalls {
  /** Follows a link in the last component only with `follow`, which is for /proc/self/fd. */
  readonly open: (path: string, flags: number, mode?: number, follow?: "follow") => Called<number>
  readonly close: (fd: number) => Effect.Effect<void>
  /** Closes a descriptor opened with O_PATH. The file system is not asked, so it is done at once always. */
  readonly release: (fd: number) => Effect.Effect<void>
  readonly read: (fd: number, into: Buffer) => Called<number>
  readonly write: (fd: number, content: string) => Called
  /** Syncs and closes. Always runs on another thread, because it is slow; an interruption does not stop that thread. */
  readonly syncAndClose: (fd: number) => Called<void>
  /** Returns undefined, or fails with `ENOENT`, when nothing is there. */
  readonly lstat: (path: string) => Called<Fs.Stats | undefined>
  readonly stat: (path: string) => Called<Fs.Stats>
  readonly fstat: (fd: number) => Called<Fs.Stats>
  readonly statfs: (path: string) => Called<Fs.StatsFs>
  readonly access: (path: string, mode: number) => Called
  readonly readdir: (path: string) => Called<ReadonlyArray<string>>
  readonly readlink: (path: string) => Called<string>
  readonly mkdir: (path: string, mode: number) => Called
  readonly rmdir: (path: string) => Called
  readonly rename: (from: string, to: string) => Called
  readonly link: (from: string, to: string) => Called
  readonly symlink: (target: string, path: string) => Called
  readonly unlink: (path: string) => Called
  readonly chmod: (path: string, mode: number) => Called
  readonly fchmod: (fd: number, mode: number) => Called
  readonly chown: (path: string, uid: number, gid: number) => Called
  readonly fchown: (fd: number, uid: number, gid: number) => Called
}

/** Adds O_NOFOLLOW to the open(2) flags unless `follow` is set. */
export const noFollow = (flags: number, follow: "follow" | undefined): number =>
  follow === undefined ? flags | Fs.constants.O_NOFOLLOW : flags

export const release = (fd: number): Effect.Effect<void> => Effect.sync(() => Fs.closeSync(fd))

const now = <A>(call: () => A): Called<A> => Effect.try({ try: call, catch: (cause) => cause })

export const atOnce: FileCalls = {
  open: (path, flags, mode = 0, follow) => now(() => Fs.openSync(path, noFollow(flags, follow), mode)),
  close: release,
  release,
  read: (fd, into) => now(() => Fs.readSync(fd, into)),
  write: (fd, content) => now(() => Fs.writeFileSync(fd, content)),
  syncAndClose: (fd) =>
    Effect.callback((resume) =>
      Fs.fsync(fd, (cause) => {
        Fs.closeSync(fd)
        resume(cause ? Effect.fail(cause) : Effect.void)
      })
    ),
  lstat: (path) => now(() => Fs.lstatSync(path, { throwIfNoEntry: false })),
  stat: (path) => now(() => Fs.statSync(path)),
  fstat: (fd) => now(() => Fs.fstatSync(fd)),
  statfs: (path) => now(() => Fs.statfsSync(path)),
  access: (path, mode) => now(() => Fs.accessSync(path, mode)),
  readdir: (path) => now(() => Fs.readdirSync(path)),
  readlink: (path) => now(() => Fs.readlinkSync(path)),
  mkdir: (path, mode) => now(() => Fs.mkdirSync(path, mode)),
  rmdir: (path) => now(() => Fs.rmdirSync(path)),
  rename: (from, to) => now(() => Fs.renameSync(from, to)),
  link: (from, to) => now(() => Fs.linkSync(from, to)),
  symlink: (target, path) => now(() => Fs.symlinkSync(target, path)),
  unlink: (path) => now(() => Fs.unlinkSync(path)),
  chmod: (path, mode) => now(() => Fs.chmodSync(path, mode)),
  fchmod: (fd, mode) => now(() => Fs.fchmodSync(fd, mode)),
  chown: (path, uid, gid) => now(() => Fs.chownSync(path, uid, gid)),
  fchown: (fd, uid, gid) => now(() => Fs.fchownSync(fd, uid, gid))
}
