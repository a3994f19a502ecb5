/** Files that fail. Every call is synchronous but `sync`: a file system that hangs stops the process with it. */
import * as Fs from "node:fs"
import { Effect } from "effect"
import { FileError, Files } from "../../../src/platform/Files.ts"
import type { Operation, Step } from "./Steps.ts"

type Half = () => void

const looks = ["EACCES", "EIO"]
const changes = ["EACCES", "EIO", "ENOSPC", "EROFS"]

/** A fault of the device; `orElse` in the caller handles the other errors. */
const errorsOf = (operation: string, path: string, codes: ReadonlyArray<string>) =>
  Object.fromEntries(codes.map((code) => [code, Effect.fail(new FileError({ operation, path, code }))]))

const operation = (
  name: string,
  path: string,
  kind: "looks" | "changes" | "syncs",
  half?: Half
): Operation<never, FileError, never> => ({
  edge: "Files",
  name: `${name} ${path}`,
  changes: kind === "changes",
  waits: kind === "syncs",
  errors: errorsOf(name, path, kind === "changes" ? changes : looks),
  ...(half === undefined ? {} : { halves: { SIGKILL: Effect.sync(half) } })
})

export const over = (files: Files["Service"], step: Step): Files["Service"] =>
  Files.of({
    pin: files.pin,
    hold: (path) => step(operation("hold", path, "looks"), files.hold(path)),
    lstat: (path) => step(operation("inspect", path, "looks"), files.lstat(path)),
    read: (path, limit) => step(operation("read", path, "looks"), files.read(path, limit)),
    list: (path) => step(operation("list", path, "looks"), files.list(path)),
    writable: (path) => step(operation("ask whether it may write in", path, "looks"), files.writable(path)),
    readLink: (path) => step(operation("read link", path, "looks"), files.readLink(path)),
    sync: (path) => step(operation("sync", path, "syncs"), files.sync(path)),
    // Created, and its mode is not set yet.
    makeDirectory: (path, mode) =>
      step(
        operation("make directory", path, "changes", () => Fs.mkdirSync(path, 0o700)),
        files.makeDirectory(path, mode)
      ),
    removeDirectory: (path) => step(operation("remove directory", path, "changes"), files.removeDirectory(path)),
    // Created, and half of it is written.
    create: (path, content, mode, gid) =>
      step(
        operation("create", path, "changes", () =>
          Fs.writeFileSync(path, content.slice(0, content.length / 2), { flag: "wx", mode: 0o600 })
        ),
        files.create(path, content, mode, gid)
      ),
    rename: (from, to) => step(operation("rename", to, "changes"), files.rename(from, to)),
    link: (from, to) => step(operation("link", to, "changes"), files.link(from, to)),
    symlink: (target, path) => step(operation("symlink", path, "changes"), files.symlink(target, path)),
    unlink: (path) => step(operation("remove", path, "changes"), files.unlink(path)),
    // The group is set, and the mode is not.
    change: (path, kind, change) =>
      step(
        operation("change", path, "changes", () => {
          if (change.gid !== undefined) Fs.chownSync(path, Fs.statSync(path).uid, change.gid)
        }),
        files.change(path, kind, change)
      )
  })
