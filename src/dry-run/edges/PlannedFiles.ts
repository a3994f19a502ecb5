/**
 * {@link Files} that records instead of changing: reads go to the real files, except where the plan has changed
 * something. Changes fail for the reasons of the real ones. What a plan cannot know is asked of the system: whether a
 * file system is read-only, and whether two names are on the same one.
 */
import * as Fs from "node:fs"
import { basename, dirname, resolve } from "node:path"
import * as Effect from "effect/Effect"
import { FileError, type FileKind, type FileStatus, Files, orElse } from "../../platform/Files.ts"
import type { FileChange, PlanRecorder } from "../plan/Plan.ts"

type Done<A = void> = Effect.Effect<A, FileError>

/** A file that the plan has made, moved or changed. Several names can have it. */
interface Node {
  /** The real file that it is, or was before its changes. Undefined: made by the plan. */
  readonly source: string | undefined
  /** Of a made file: its text, or where it leads. */
  readonly content: string
  readonly ino: number
  kind?: FileKind
  mode?: number
  gid?: number | undefined
}

/** Errors of a path that no file system accepts: a NUL, or longer than PATH_MAX or NAME_MAX. */
const unspeakable = (path: string): string | undefined => {
  if (path.includes("\0")) return "EINVAL"
  const long = Buffer.byteLength(path) > 4095 || path.split("/").some((name) => Buffer.byteLength(name) > 255)
  return long ? "ENAMETOOLONG" : undefined
}

export const make = (real: Files["Service"], recorder: PlanRecorder) => {
  /** What is at a path in the plan; undefined: nothing. */
  const planned = new Map<string, Node | undefined>()
  const mounts = new Map<string, boolean>()
  let lastIno = 2 ** 40

  const made = (path: string, kind: FileKind, mode: number, content = "", gid?: number) =>
    planned.set(path, { source: undefined, kind, mode, content, gid, ino: ++lastIno })

  /** The real path of what is at a path; undefined: the plan has made or removed it, or a directory above it. */
  const realOf = (path: string): string | undefined => {
    if (planned.has(path)) return planned.get(path)?.source
    if (path === dirname(path)) return path
    const above = realOf(dirname(path))
    return above === dirname(path) ? path : above === undefined ? undefined : `${above}/${basename(path)}`
  }

  const statusOf = Effect.fnUntraced(function* (path: string): Effect.fn.Return<FileStatus | undefined, FileError> {
    const node = planned.get(path)
    const at = realOf(path)
    const there = at === undefined ? undefined : yield* real.lstat(at)
    if (node === undefined) return there
    const names = [...planned.values()].filter((other) => other === node).length
    const { gid = there?.gid ?? 0, kind = there?.kind ?? "file", mode = there?.mode ?? 0 } = node
    if (there !== undefined) return { ...there, kind, mode, gid, nlink: there.nlink - 1 + names }
    const dev = (yield* deviceOf(dirname(path))) ?? 0
    return { kind, mode, gid, uid: 0, dev, ino: node.ino, nlink: names, modified: 0, accessed: 0 }
  })

  /** In the middle of a path a link counts as its target; `/.` follows it. */
  const followed = Effect.fnUntraced(function* (path: string): Effect.fn.Return<FileStatus | undefined, FileError> {
    const status = yield* orElse("ENOTDIR", undefined)(statusOf(path))
    const at = realOf(path)
    if (status?.kind !== "symlink" || at === undefined) return status
    return (yield* orElse(["ENOENT", "ENOTDIR"], undefined)(real.lstat(`${at}/.`))) ?? status
  })

  /** The device of a directory, existing or planned. */
  const deviceOf = (directory: string): Done<number | undefined> => {
    const at = realOf(directory)
    if (at === undefined) return deviceOf(dirname(directory))
    return Effect.flatMap(followed(at), (status) =>
      status === undefined && at !== "/" ? deviceOf(dirname(directory)) : Effect.succeed(status?.dev)
    )
  }

  /** Whether something is or would be mounted there: it cannot be removed before it is unmounted. */
  const isMount = Effect.fnUntraced(function* (path: string) {
    const at = realOf(path)
    const known = mounts.get(path)
    const there = known === undefined && at !== undefined ? yield* real.lstat(at) : undefined
    if (there === undefined) return known ?? false
    return (yield* deviceOf(dirname(path))) !== there.dev || isBound(path)
  })

  /** Why nothing is there: it is missing, or something above it is not a directory. */
  const absent = Effect.fnUntraced(function* (path: string): Effect.fn.Return<"ENOENT" | "ENOTDIR", FileError> {
    const above = yield* followed(dirname(path))
    if (above !== undefined) return above.kind === "directory" ? "ENOENT" : "ENOTDIR"
    return path === "/" ? "ENOENT" : yield* absent(dirname(path))
  })

  /** Why nothing can be made there. */
  const unfit = Effect.fnUntraced(function* (path: string) {
    const impossible = unspeakable(path)
    if (impossible !== undefined) return impossible
    if ((yield* statusOf(path)) !== undefined) return "EEXIST"
    return (yield* followed(dirname(path)))?.kind === "directory" ? undefined : yield* absent(path)
  })

  const failing = (operation: string, path: string) => (code: string) =>
    Effect.fail(new FileError({ operation, path, code }))

  const named =
    (operation: string, path: string) =>
    <A>(self: Done<A>): Done<A> =>
      Effect.mapError(self, ({ code }) => new FileError({ operation, path, code }))

  /** Something that is there. `refuse`: returns an error code. */
  const known = (operation: string, path: string, refuse: (kind: FileKind) => string | undefined = () => undefined) =>
    Effect.gen(function* () {
      const impossible = unspeakable(path)
      const status = impossible === undefined ? yield* statusOf(path) : undefined
      const code = impossible ?? (status === undefined ? yield* absent(path) : refuse(status.kind))
      if (code !== undefined || status === undefined) return yield* failing(operation, path)(code ?? "ENOENT")
      return status
    }).pipe(named(operation, path))

  const names = Effect.fnUntraced(function* (path: string) {
    const at = realOf(path)
    const canList = (kind: FileKind) => kind === "directory" || (kind === "symlink" && at !== undefined)
    yield* known("list", path, (kind) => (canList(kind) ? undefined : "ENOTDIR"))
    const found = new Set(at === undefined ? [] : yield* real.list(at))
    for (const [one, node] of planned) {
      if (dirname(one) !== path || one === path) continue
      if (node === undefined) found.delete(basename(one))
      else found.add(basename(one))
    }
    return [...found].sort()
  })

  /** Refuses what a read-only file system would. The real call has root's permissions, and space may be free by then. */
  const writable = Effect.fnUntraced(function* (operation: string, path: string) {
    const at = realOf(dirname(path))
    if (at === undefined) return
    const readOnly = real.writable(at).pipe(Effect.as(false), orElse("EROFS", true))
    if (yield* Effect.orElseSucceed(readOnly, () => false)) return yield* failing(operation, path)("EROFS")
  })

  /** Records the change if nothing refuses it, and makes it. */
  const plan = Effect.fnUntraced(function* (
    path: string,
    refused: Done<string | undefined>,
    change: Omit<FileChange, "kind" | "path">,
    doing: () => unknown
  ) {
    yield* writable(change.do, path)
    const code = yield* named(change.do, path)(refused)
    if (code !== undefined) return yield* failing(change.do, path)(code)
    doing()
    yield* recorder.record({ kind: "file", path, ...change })
  })

  /** The file at a path, to be changed or to get another name. */
  const take = (path: string): Node => {
    const node = planned.get(path) ?? { source: realOf(path), content: "", ino: 0 }
    planned.set(path, node)
    return node
  }

  /** With what the plan has below it. */
  const move = (from: string, to: string) => {
    const node = take(from)
    for (const [path, below] of [...planned]) {
      if (!path.startsWith(`${from}/`)) continue
      planned.delete(path)
      planned.set(`${to}${path.slice(from.length)}`, below)
    }
    planned.set(to, node)
    planned.set(from, undefined)
  }

  const files = Files.of({
    pin: real.pin,
    hold: (path) =>
      Effect.as(
        known("hold", path, (kind) => (kind === "symlink" ? "EINVAL" : undefined)),
        path
      ),
    lstat: Effect.fnUntraced(function* (path) {
      const impossible = unspeakable(path)
      if (impossible !== undefined) return yield* failing("lstat", path)(impossible)
      const status = yield* named("lstat", path)(statusOf(path))
      if (status !== undefined || (yield* absent(path)) === "ENOENT") return status
      return yield* failing("lstat", path)("ENOTDIR")
    }),
    read: Effect.fnUntraced(function* (path, limit) {
      yield* known("read", path, (kind) => (kind === "symlink" ? "ELOOP" : kind === "file" ? undefined : "EINVAL"))
      const at = realOf(path)
      if (at !== undefined) return yield* named("read", path)(real.read(at, limit))
      const { content } = take(path)
      return Buffer.byteLength(content) > limit ? yield* failing("read", path)("EFBIG") : content
    }),
    readLink: Effect.fnUntraced(function* (path) {
      yield* known("read link", path, (kind) => (kind === "symlink" ? undefined : "EINVAL"))
      const at = realOf(path)
      return at === undefined ? take(path).content : yield* named("read link", path)(real.readLink(at))
    }),
    writable: Effect.fnUntraced(function* (path) {
      const { kind } = yield* known("write to", path)
      const at = realOf(path)
      if (at !== undefined) return yield* named("write to", path)(real.writable(at))
      const target = kind === "symlink" ? yield* statusOf(resolve(dirname(path), take(path).content)) : { kind }
      if (target?.kind !== "directory")
        return yield* failing("write to", path)(target === undefined ? "ENOENT" : "ENOTDIR")
    }),
    list: names,
    sync: (path) => Effect.asVoid(known("sync", path)),
    makeDirectory: (path, mode) =>
      plan(path, unfit(path), { do: "make directory", mode: octal(mode) }, () => made(path, "directory", mode)),
    removeDirectory: (path) => {
      const refused = Effect.gen(function* () {
        const { kind } = yield* known("remove directory", path)
        if (kind !== "directory") return "ENOTDIR"
        if (yield* isMount(path)) return "EBUSY"
        return (yield* names(path)).length > 0 ? "ENOTEMPTY" : undefined
      })
      return plan(path, refused, { do: "remove directory" }, () => planned.set(path, undefined))
    },
    create: (path, content, mode, gid) =>
      plan(
        path,
        unfit(path),
        {
          do: "create",
          mode: octal(mode),
          bytes: Buffer.byteLength(content),
          ...(gid === undefined ? {} : { gid })
        },
        () => made(path, "file", mode, content, gid)
      ),
    symlink: (target, path) =>
      plan(path, unfit(path), { do: "symlink", from: target }, () => made(path, "symlink", 0o777, target)),
    link: (from, to) => {
      const refused = Effect.gen(function* () {
        const { kind } = yield* known("link", from)
        const same = (yield* deviceOf(dirname(from))) === (yield* deviceOf(dirname(to)))
        return same ? ((yield* unfit(to)) ?? (kind === "directory" ? "EPERM" : undefined)) : "EXDEV"
      })
      return plan(to, refused, { do: "link", from }, () => planned.set(to, take(from)))
    },
    rename: (from, to) => {
      const refused = Effect.gen(function* () {
        const { kind } = yield* known("rename", from)
        const code = yield* unfit(to)
        if (code !== "EEXIST") return code
        if ((yield* statusOf(to))?.kind !== "directory") return undefined
        return kind === "directory" ? "ENOTEMPTY" : "EISDIR"
      })
      return plan(to, refused, { do: "rename", from }, () => move(from, to))
    },
    unlink: (path) => {
      const refused = Effect.gen(function* () {
        const { kind } = yield* known("remove", path)
        return kind === "directory" ? "EISDIR" : (yield* isMount(path)) ? "EBUSY" : undefined
      })
      return plan(path, refused, { do: "remove" }, () => planned.set(path, undefined))
    },
    change: Effect.fnUntraced(function* (path, kind, { gid, mode }) {
      yield* known("change", path, (found) => (found === kind ? undefined : "EINVAL"))
      Object.assign(take(path), { ...(gid === undefined ? {} : { gid }), ...(mode === undefined ? {} : { mode }) })
      yield* recorder.record({
        kind: "file",
        do: "set owner and mode",
        path,
        ...(mode === undefined ? {} : { mode: octal(mode) }),
        ...(gid === undefined ? {} : { gid })
      })
    })
  })

  return {
    files,
    /** Bind-mounts a socket over a file. */
    mount: (path: string) => {
      mounts.set(path, true)
      take(path).kind = "socket"
    },
    /** The files below a directory were those of the mount. */
    unmount: Effect.fnUntraced(function* (path: string) {
      mounts.set(path, false)
      const status = yield* Effect.orElseSucceed(statusOf(path), () => undefined)
      if (status?.kind === "directory") made(path, "directory", status.mode, "", status.gid)
      else take(path).kind = "file"
    }),
    /** Changes that others make in the plan: the switch creates a socket, and removes it. */
    appear: (path: string) => made(path, "socket", 0o755),
    vanish: (path: string) => planned.set(path, undefined)
  }
}

export type PlannedFiles = ReturnType<typeof make>

/** A bind mount of the same file system has the same device number; proc_pid_mountinfo(5) shows it. */
const isBound = (path: string): boolean =>
  Fs.readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[4] === path)

/** In the notation of chmod(1): `0600`, `2770`. */
const octal = (mode: number): string => mode.toString(8).padStart(4, "0")
