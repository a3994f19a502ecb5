/**
 * The system calls below {@link Files} and {@link Namespaces}. Here they are synchronous; `AsyncFiles.ts` runs them
 * on another thread.
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
