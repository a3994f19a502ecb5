/**
 * {@link Files} in memory, on which the tests and `make demo` run the programs. It keeps kinds, modes and
 * groups, returns the system's error codes, and shows its whole state for comparison. It has no links in the middle of
 * a path, and one user.
 */
import { dirname, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FileError, type FileKind, Files } from "../../../src/platform/Files.ts"

interface Node {
  readonly kind: FileKind
  readonly content: string
  readonly ino: number
  readonly modified: number
  accessed?: number
  mode: number
  gid: number
}

/** The state, which several layers can share and which outlives them. */
export class MemoryFiles {
  private readonly nodes = new Map<string, Node>()
  private lastIno = 0

  constructor(directories: ReadonlyArray<string> = []) {
    for (const directory of ["/", ...directories]) this.put(directory, "directory")
  }

  /**
   * Creates a file as somebody else would: a socket of an application, an administrator's directory. Creates missing
   * parents.
   */
  put(
    path: string,
    kind: FileKind,
    content = "",
    mode = kind === "directory" ? 0o755 : 0o644,
    gid = 0,
    modified = 0
  ): void {
    if (path !== "/" && !this.nodes.has(dirname(path))) this.put(dirname(path), "directory")
    this.nodes.set(path, { kind, content, mode, gid, ino: ++this.lastIno, modified })
  }

  get(path: string): Node | undefined {
    return this.nodes.get(path)
  }

  set(path: string, node: Node): void {
    this.nodes.set(path, node)
  }

  remove(path: string): void {
    this.nodes.delete(path)
  }

  /** Moves a name, and a directory with its content. */
  move(from: string, to: string): void {
    for (const [path, node] of [...this.nodes]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.nodes.delete(path)
      this.nodes.set(`${to}${path.slice(from.length)}`, node)
    }
  }

  /** Becomes the tree that `other` is, with the names of each file. */
  become(other: MemoryFiles): void {
    const copies = new Map<Node, Node>()
    this.nodes.clear()
    for (const [path, node] of other.nodes) {
      const copy = copies.get(node) ?? { ...node }
      copies.set(node, copy)
      this.nodes.set(path, copy)
    }
    this.lastIno = other.lastIno
  }

  /** Returns the number of names of a file. */
  count(node: Node): number {
    return [...this.nodes.values()].filter((other) => other === node).length
  }

  names(path: string): ReadonlyArray<string> {
    const prefix = path === "/" ? "/" : `${path}/`
    return [...this.nodes.keys()]
      .filter((other) => other.startsWith(prefix) && other !== path && !other.slice(prefix.length).includes("/"))
      .map((other) => other.slice(prefix.length))
      .sort()
  }

  /** Returns every path with its kind, mode and group, sorted: equal dumps mean equal trees. */
  dump(): ReadonlyArray<string> {
    return [...this.nodes]
      .map(([path, { content, gid, kind, mode }]) => `${path} ${kind} ${mode.toString(8)} ${gid} ${content}`)
      .sort()
  }
}

/** Errors of a path that no file system accepts: a NUL, or longer than PATH_MAX or NAME_MAX. */
const unspeakable = (path: string): string | undefined =>
  path.includes("\0")
    ? "EINVAL"
    : path.length > 85 && (Buffer.byteLength(path) > 4095 || path.split("/").some((it) => Buffer.byteLength(it) > 255))
      ? "ENAMETOOLONG"
      : undefined

export const layer = (state: MemoryFiles): Layer.Layer<Files> => Layer.succeed(Files, over(state))

export const over = (state: MemoryFiles): Files["Service"] => {
  const attempt = <A>(operation: string, path: string, f: (fail: (code: string) => FileError) => A | FileError) =>
    Effect.suspend(() => {
      const fail = (code: string) => new FileError({ operation, path, code })
      const impossible = unspeakable(path)
      const done = impossible === undefined ? f(fail) : fail(impossible)
      return done instanceof FileError ? Effect.fail(done) : Effect.succeed(done)
    })

  /** Returns why `path` does not exist: it is missing, or a parent is not a directory. */
  const absent = (path: string): "ENOENT" | "ENOTDIR" => {
    let above = dirname(path)
    while (state.get(above) === undefined && above !== dirname(above)) above = dirname(above)
    return state.get(above)?.kind === "directory" ? "ENOENT" : "ENOTDIR"
  }

  /** Returns why `path` cannot become a name. */
  const unfit = (path: string): string | undefined =>
    unspeakable(path) ??
    (state.get(path) !== undefined
      ? "EEXIST"
      : state.get(dirname(path))?.kind === "directory"
        ? undefined
        : absent(path))

  const add = (operation: string, path: string, kind: FileKind, content: string, mode: number, gid?: number) =>
    attempt(operation, path, (fail) => {
      const code = unfit(path)
      return code === undefined ? state.put(path, kind, content, mode, gid) : fail(code)
    })

  const known = <A>(
    operation: string,
    path: string,
    f: (node: Node, fail: (code: string) => FileError) => A | FileError
  ) =>
    attempt(operation, path, (fail) => {
      const node = state.get(path)
      return node === undefined ? fail(absent(path)) : f(node, fail)
    })

  return Files.of({
    // No link is ever followed here.
    pin: () => Effect.void,
    hold: (path) => known("hold", path, ({ kind }, fail) => (kind === "symlink" ? fail("EINVAL") : path)),
    lstat: (path) =>
      attempt("lstat", path, (fail) => {
        const node = state.get(path)
        if (node === undefined) return absent(path) === "ENOENT" ? undefined : fail("ENOTDIR")
        return {
          kind: node.kind,
          mode: node.mode,
          uid: 0,
          gid: node.gid,
          dev: 1,
          ino: node.ino,
          nlink: state.count(node),
          modified: node.modified,
          accessed: node.accessed ?? node.modified
        }
      }),
    read: (path, limit) =>
      known("read", path, ({ content, kind }, fail) =>
        kind === "symlink"
          ? fail("ELOOP")
          : kind !== "file"
            ? fail("EINVAL")
            : Buffer.byteLength(content) > limit
              ? fail("EFBIG")
              : content
      ),
    list: (path) =>
      known("list", path, ({ kind }, fail) => (kind === "directory" ? state.names(path) : fail("ENOTDIR"))),
    writable: (path) =>
      known("write to", path, ({ content, kind }, fail) => {
        const target = kind === "symlink" ? state.get(resolve(dirname(path), content))?.kind : kind
        return target === "directory" ? undefined : fail(target === undefined ? "ENOENT" : "ENOTDIR")
      }),
    makeDirectory: (path, mode) => add("make directory", path, "directory", "", mode),
    removeDirectory: (path) =>
      known("remove directory", path, ({ kind }, fail) =>
        kind !== "directory" ? fail("ENOTDIR") : state.names(path).length > 0 ? fail("ENOTEMPTY") : state.remove(path)
      ),
    create: (path, content, mode, gid) => add("create", path, "file", content, mode, gid),
    sync: (path) => known("sync", path, () => undefined),
    rename: (from, to) =>
      known("rename", from, ({ kind }, fail) => {
        const code = unfit(to)
        const replaced = state.get(to)?.kind
        if (code !== undefined && code !== "EEXIST") return fail(code)
        if (replaced === "directory") return fail(kind === "directory" ? "ENOTEMPTY" : "EISDIR")
        return state.move(from, to)
      }),
    link: (from, to) =>
      known("link", from, (node, fail) => {
        const code = unfit(to) ?? (node.kind === "directory" ? "EPERM" : undefined)
        return code === undefined ? state.set(to, node) : fail(code)
      }),
    symlink: (target, path) => add("symlink", path, "symlink", target, 0o777),
    readLink: (path) =>
      known("read link", path, ({ content, kind }, fail) => (kind === "symlink" ? content : fail("EINVAL"))),
    unlink: (path) =>
      known("remove", path, ({ kind }, fail) => (kind === "directory" ? fail("EISDIR") : state.remove(path))),
    change: (path, wanted, { gid, mode }) =>
      known("change", path, (node, fail) => {
        if (node.kind !== wanted) return fail("EINVAL")
        if (gid !== undefined) node.gid = gid
        if (mode !== undefined) node.mode = mode
        return undefined
      })
  })
}
