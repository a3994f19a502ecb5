/** {@link FileCalls} on another thread. */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Called, type FileCalls, noFollow, release } from "../FileCalls.ts"

type Answered<A> = (cause: Error | null, value: A) => void

/** An invalid argument, such as a path with a NUL, throws at once. */
const later = <A>(start: (answered: Answered<A>) => void): Called<A> =>
  Effect.callback((resume) => {
    const started = Result.try(() =>
      start((cause, value) => resume(cause ? Effect.fail(cause) : Effect.succeed(value)))
    )
    if (Result.isFailure(started)) resume(Effect.fail(started.failure))
  })

const told = (start: (answered: (cause: Error | null) => void) => void): Called<void> => later<void>(start)

const close = (fd: number) => Effect.ignore(told((done) => Fs.close(fd, done)))

export const onThread: FileCalls = {
  open: (path, flags, mode = 0, follow) => later((done) => Fs.open(path, noFollow(flags, follow), mode, done)),
  close,
  release,
  read: (fd, into) => later<number>((done) => Fs.read(fd, into, 0, into.length, null, done)),
  write: (fd, content) => told((done) => Fs.writeFile(fd, content, done)),
  syncAndClose: (fd) =>
    Effect.ensuring(
      told((done) => Fs.fsync(fd, done)),
      close(fd)
    ),
  lstat: (path) => later((done) => Fs.lstat(path, done)),
  stat: (path) => later((done) => Fs.stat(path, done)),
  fstat: (fd) => later((done) => Fs.fstat(fd, done)),
  statfs: (path) => later((done) => Fs.statfs(path, done)),
  access: (path, mode) => told((done) => Fs.access(path, mode, done)),
  readdir: (path) => later<ReadonlyArray<string>>((done) => Fs.readdir(path, done)),
  readlink: (path) => later((done) => Fs.readlink(path, done)),
  mkdir: (path, mode) => told((done) => Fs.mkdir(path, mode, done)),
  rmdir: (path) => told((done) => Fs.rmdir(path, done)),
  rename: (from, to) => told((done) => Fs.rename(from, to, done)),
  link: (from, to) => told((done) => Fs.link(from, to, done)),
  symlink: (target, path) => told((done) => Fs.symlink(target, path, done)),
  unlink: (path) => told((done) => Fs.unlink(path, done)),
  chmod: (path, mode) => told((done) => Fs.chmod(path, mode, done)),
  fchmod: (fd, mode) => told((done) => Fs.fchmod(fd, mode, done)),
  chown: (path, uid, gid) => told((done) => Fs.chown(path, uid, gid, done)),
  fchown: (fd, uid, gid) => told((done) => Fs.fchown(fd, uid, gid, done))
}
