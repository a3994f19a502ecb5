/**
 * The network namespace of an attachment and its processes: with which rights, and on which sockets they listen. From
 * /proc, as this process sees it: proc_pid_status(5), proc_net(5).
 */
import * as Effect from "effect/Effect"
import { Files } from "../../../platform/Files.ts"
import { type NamespaceKind, Namespaces } from "../../../platform/Namespaces.ts"
import { found, type Judged, unseen, well } from "../findings/Finding.ts"

export interface User {
  readonly uid: number
  readonly gids: ReadonlyArray<number>
}

export interface Sandbox {
  readonly netns: string
  readonly kind: NamespaceKind
  /** Users of its processes, except the one that holds it. Undefined: they are not visible. */
  readonly users: ReadonlyArray<User> | undefined
  /** File names of the sockets on which a process in it, or on the node, listens. Undefined: they are not visible. */
  readonly listening: ReadonlySet<string> | undefined
}

/** PIDs by network namespace, in the form of a link below /proc. */
export const processes = Effect.gen(function* () {
  const files = yield* Files
  const names = yield* Effect.orElseSucceed(files.list("/proc"), (): ReadonlyArray<string> => [])
  const all = new Map<string, Array<string>>()
  for (const pid of names.filter((name) => /^\d+$/.test(name))) {
    const namespace = yield* Effect.orElseSucceed(files.readLink(`/proc/${pid}/ns/net`), () => undefined)
    if (namespace === undefined) continue
    const pids = all.get(namespace)
    if (pids === undefined) all.set(namespace, [pid])
    else pids.push(pid)
  }
  return all
})

export const look = Effect.fnUntraced(function* (netns: string, all: ReadonlyMap<string, ReadonlyArray<string>>) {
  const files = yield* Files
  const kind = yield* (yield* Namespaces).judge(netns)
  const name = kind === "sandbox" ? yield* nameOf(netns) : undefined
  const pids = name === undefined ? undefined : (all.get(name) ?? [])
  const read = (path: string, limit: number) => Effect.orElseSucceed(files.read(path, limit), () => undefined)
  const users: Array<User> = []
  for (const pid of pids ?? []) {
    const user = userIn((yield* read(`/proc/${pid}/status`, 1 << 16)) ?? "")
    if (user !== undefined) users.push(user)
  }
  const [one] = pids ?? []
  const sockets = one === undefined ? undefined : yield* read(`/proc/${one}/net/unix`, 16 << 20)
  // An application of the node itself may be the other end.
  const ofNode = (yield* read("/proc/net/unix", 16 << 20)) ?? ""
  const sandbox: Sandbox = {
    netns,
    kind,
    users: pids === undefined ? undefined : users,
    listening: sockets === undefined ? undefined : listeningIn(`${sockets}\n${ofNode}`)
  }
  return sandbox
})

/** The name in the form of a link below /proc; a namespace that is bound elsewhere has the same inode. */
const nameOf = Effect.fnUntraced(function* (netns: string) {
  const files = yield* Files
  const there = yield* Effect.orElseSucceed(files.lstat(netns), () => undefined)
  return there?.kind === "symlink"
    ? yield* Effect.orElseSucceed(files.readLink(netns), () => undefined)
    : there === undefined
      ? undefined
      : `net:[${there.ino}]`
})

/** Undefined: a thread of the kernel, the process that only holds the sandbox, or one that has ended. */
export const userIn = (status: string): User | undefined => {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim()
  const uid = field("Uid")?.split(/\s+/)[1]
  if (uid === undefined || field("Name") === "pause") return undefined
  const gids = [field("Gid")?.split(/\s+/)[1] ?? "", ...(field("Groups") ?? "").split(/\s+/)]
  return { uid: Number(uid), gids: gids.filter((gid) => gid !== "").map(Number) }
}

const listens = 0x10000

/** By file name, because the path is the container's. */
const listeningIn = (text: string): ReadonlySet<string> =>
  new Set(
    text.split("\n").flatMap((line) => {
      const [, flags, path] = /^\S+: \S+ \S+ (\S+) \S+ \S+ +\d+ (.+)$/.exec(line) ?? []
      return path === undefined || (Number.parseInt(flags ?? "", 16) & listens) === 0
        ? []
        : [path.slice(path.lastIndexOf("/") + 1)]
    })
  )

export const judge = ({ kind, netns, users }: Sandbox): Judged => {
  switch (kind) {
    case "sandbox":
    case "own":
      return well(
        "sandbox",
        `${netns}${users === undefined ? "" : `, ${users.length} ${users.length === 1 ? "process" : "processes"} in it`}`
      )
    case "missing":
      return found("sandbox", "attachment-stale", `${netns} is gone`)
    case "other file":
      return found("sandbox", "attachment-stale", `${netns} is no network namespace any more`)
    case "out of sight":
      return unseen("sandbox", `${netns} is out of sight: the directory or the node's PIDs are not visible here`)
    case "unreadable":
      return unseen("sandbox", `${netns} cannot be accessed: permission denied`)
  }
}

/** Root may open any file. */
export const mayWrite = (
  { gid, mode, uid }: { readonly gid: number; readonly mode: number; readonly uid: number },
  who: User
): boolean =>
  who.uid === 0 ||
  (uid === who.uid ? (mode & 0o200) !== 0 : who.gids.includes(gid) ? (mode & 0o020) !== 0 : (mode & 0o002) !== 0)
