/**
 * {@link Files} that records instead of changing: reads see the real file system with the planned changes over it, and a
 * change is refused for the reasons that the system would have: something there, nothing there, not empty, read-only.
 */
import * as Fs from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { FileError, Files } from "../platform/Files.ts"
import type { Overlay, Planned } from "./Overlay.ts"
import type { FileChange } from "./Plan.ts"
import type { Recorder } from "./Recorder.ts"

/** access(2) tells a read-only file system before it looks at permissions, which are root's at the real call. */
const isReadOnly = (directory: string): Effect.Effect<boolean> =>
  Effect.try({ try: () => Fs.accessSync(directory, Fs.constants.W_OK), catch: (cause) => cause }).pipe(
    Effect.as(false),
    Effect.catch((cause) => Effect.succeed(cause instanceof Error && "code" in cause && cause.code === "EROFS"))
  )

export const make = (real: Files["Service"], overlay: Overlay, recorder: Recorder): Files["Service"] => {
  const refuse = (operation: string, path: string, code: string) =>
    Effect.fail(new FileError({ operation, path, code }))

  const record = (change: Omit<FileChange, "kind">) => recorder.record({ kind: "file", ...change })

  const writable = Effect.fnUntraced(function* (operation: string, path: string) {
    const directory = dirname(path)
    const status = yield* overlay.lstat(directory)
    if (status === undefined) return yield* refuse(operation, path, "ENOENT")
    if (status.kind !== "directory" && status.kind !== "symlink") return yield* refuse(operation, path, "ENOTDIR")
    if (overlay.planned(directory) === undefined && (yield* isReadOnly(directory))) {
      return yield* refuse(operation, path, "EROFS")
    }
  })

  const free = Effect.fnUntraced(function* (operation: string, path: string) {
    yield* writable(operation, path)
    if ((yield* overlay.lstat(path)) !== undefined) return yield* refuse(operation, path, "EEXIST")
  })

  /** What is at a path now, as something that can be planned elsewhere. Contents of real files are not taken along. */
  const there = Effect.fnUntraced(function* (operation: string, path: string) {
    const planned = overlay.planned(path)
    if (planned) return planned
    const status = yield* overlay.lstat(path)
    if (status === undefined) return yield* refuse(operation, path, "ENOENT")
    const { gid, kind, mode } = status
    return { kind, mode, gid, content: "", dev: status.dev } satisfies Planned
  })

  const add = Effect.fnUntraced(function* (
    path: string,
    node: Omit<Planned, "dev" | "gid">,
    change: Omit<FileChange, "kind" | "path">
  ) {
    yield* free(change.do, path)
    overlay.put(path, { ...node, gid: 0, dev: yield* overlay.deviceOf(dirname(path)) })
    yield* record({ path, ...change })
  })

  const remove = Effect.fnUntraced(function* (path: string, change: "remove" | "remove directory") {
    yield* writable(change, path)
    const { kind } = yield* there(change, path)
    if (change === "remove" && kind === "directory") return yield* refuse(change, path, "EISDIR")
    if (change === "remove directory") {
      if (kind !== "directory") return yield* refuse(change, path, "ENOTDIR")
      if ((yield* overlay.list(path)).length > 0) return yield* refuse(change, path, "ENOTEMPTY")
    }
    overlay.put(path, undefined)
    yield* record({ do: change, path })
  })

  return Files.of({
    lstat: (path) => overlay.lstat(path),
    list: (path) => overlay.list(path),
    read: (path, limit) => {
      const planned = overlay.planned(path)
      if (planned === undefined) return real.read(path, limit)
      if (planned === null) return refuse("read", path, "ENOENT")
      if (planned.kind === "symlink") return refuse("read", path, "ELOOP")
      return planned.kind === "file" ? Effect.succeed(planned.content) : refuse("read", path, "EINVAL")
    },
    readLink: (path) => {
      const planned = overlay.planned(path)
      if (planned === undefined) return real.readLink(path)
      if (planned === null) return refuse("read link", path, "ENOENT")
      return planned.kind === "symlink" ? Effect.succeed(planned.content) : refuse("read link", path, "EINVAL")
    },
    makeDirectory: (path, mode) =>
      add(path, { kind: "directory", content: "", mode }, { do: "make directory", mode: octal(mode) }),
    create: (path, content, mode) =>
      add(
        path,
        { kind: "file", content, mode },
        { do: "create", mode: octal(mode), bytes: Buffer.byteLength(content) }
      ),
    symlink: (target, path) =>
      add(path, { kind: "symlink", content: target, mode: 0o777 }, { do: "symlink", from: target }),
    link: Effect.fnUntraced(function* (from, to) {
      yield* free("link", to)
      const node = yield* there("link", from)
      if ((yield* overlay.deviceOf(dirname(from))) !== (yield* overlay.deviceOf(dirname(to)))) {
        return yield* refuse("link", to, "EXDEV")
      }
      overlay.put(to, node)
      yield* record({ do: "link", path: to, from })
    }),
    rename: Effect.fnUntraced(function* (from, to) {
      yield* writable("rename", to)
      const node = yield* there("rename", from)
      overlay.put(from, undefined)
      overlay.put(to, node)
      yield* record({ do: "rename", path: to, from })
    }),
    removeDirectory: (path) => remove(path, "remove directory"),
    unlink: (path) => remove(path, "remove"),
    sync: () => Effect.void,
    change: Effect.fnUntraced(function* (path, kind, { gid, mode }) {
      const node = yield* there("change", path)
      if (node.kind !== kind) return yield* refuse("change", path, "EINVAL")
      overlay.put(path, { ...node, mode: mode ?? node.mode, gid: gid ?? node.gid })
      yield* record({
        do: "set owner and mode",
        path,
        ...(mode === undefined ? {} : { mode: octal(mode) }),
        ...(gid === undefined ? {} : { gid })
      })
    })
  })
}

/** As chmod(1) takes it: `0600`, `2770`. */
const octal = (mode: number): string => mode.toString(8).padStart(4, "0")
