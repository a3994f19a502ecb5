/**
 * Whether an interface's socket exists now, and what to do if not. Never connects, because a vhost-user server takes
 * the first connection for its switch.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { type FileStatus, Files } from "../platform/Files.ts"
import { CurrentUser, type Identity } from "../platform/process/CurrentUser.ts"
import { maximumPathBytes, pathBytes } from "../platform/Sockets.ts"
import { type Interface, socketMadeBy } from "./read/Interface.ts"

export interface Presence {
  readonly there: boolean
  /** The application can start: the switch's socket exists, or the application creates it. */
  readonly ready: boolean
  /** A file exists where the application must create its socket, and nobody in this pod listens on it. */
  readonly stale: boolean
  /** For people: what this means, and what to do. */
  readonly words: string
  /** The problem that `words` describe; undefined: none. */
  readonly problem: Problem | undefined
}

export type Problem =
  | "path too long"
  | "no directory"
  | "obstructed"
  | "not made by the switch"
  | "may not connect"
  | "may not create"
  | "stale"

export const look = Effect.fn("inspect the socket")(function* (
  one: Interface
): Effect.fn.Return<Presence, never, Files> {
  const files = yield* Files
  const listening = yield* listeners(files)
  if (one.kind === "memif" && one.abstract) return abstractPresence(one, listening?.has(`@${one.socket}`) === true)
  const bytes = pathBytes(one.socket)
  if (bytes > maximumPathBytes) {
    return absent(
      `the path has ${bytes} bytes, a socket path may have ${maximumPathBytes}: mount the shared directory at a shorter path`,
      "path too long"
    )
  }
  const directory = yield* status(files, dirname(one.socket))
  const socket = yield* status(files, one.socket)
  // If the listeners cannot be read, nothing is considered stale.
  const heard = listening === undefined || listening.has(one.socket)
  return presence({ one, directory, socket, who: yield* CurrentUser, listening: heard })
})

interface View {
  readonly one: Interface
  readonly directory: FileStatus | undefined
  readonly socket: FileStatus | undefined
  /** The identity with which the application would open the socket: this process', if it runs as the same user. */
  readonly who: Identity
  /** Somebody in this network namespace listens on this path. */
  readonly listening: boolean
}

const saying =
  (there: boolean, ready: boolean) =>
  (words: string, problem?: Problem): Presence => ({ there, ready, stale: problem === "stale", words, problem })

const absent = saying(false, false)
const toMake = saying(false, true)
const present = saying(true, true)

const presence = (view: View): Presence => {
  const { directory, one, socket } = view
  const at = dirname(one.socket)
  if (directory?.kind !== "directory") {
    return absent(
      `${at} does not exist: mount the pod's volume shared-dir there, or give its path with --dir`,
      "no directory"
    )
  }
  if (socket !== undefined && socket.kind !== "socket")
    return absent(`a ${socket.kind} is in the way: remove it`, "obstructed")
  return socketMadeBy(one) === "switch" ? ofSwitch(view, at) : ofApplication(view, directory, at)
}

const ofSwitch = ({ one, socket, who }: View, at: string): Presence =>
  socket === undefined
    ? absent(
        "the switch has not created it, or it was removed: check the plugin's log and the switch on the " +
          `node, and that the plugin's shared directory is mounted at ${at}`,
        "not made by the switch"
      )
    : mayWrite(socket, who)
      ? present(`created by the switch: connect${as(one)}`)
      : present(
          `created by the switch, but uid ${who.uid} has no permission to connect: ${forGroup}`,
          "may not connect"
        )

const ofApplication = ({ listening, one, socket, who }: View, directory: FileStatus, at: string): Presence => {
  if (socket === undefined) {
    return mayWrite(directory, who)
      ? toMake(`start the application${as(one)}: it creates the socket, and the switch connects`)
      : toMake(
          `the application creates it, but uid ${who.uid} has no write permission in ${at}: ${forGroup}`,
          "may not create"
        )
  }
  if (listening) return present("the application listens: the switch connects by itself")
  return present(
    "the file exists, but no process in this pod listens on it: if the application is not running, remove the file, or it " +
      "cannot start (Address already in use)",
    "stale"
  )
}

const forGroup = "set host.vhost.group of the network to a group of this pod (fsGroup, supplementalGroups)"

const as = (one: Interface): string => ` as ${one.kind} ${one.kind === "memif" ? one.role : one.mode}`

const abstractPresence = (one: Interface, listening: boolean): Presence => {
  if (listening)
    return present(socketMadeBy(one) === "switch" ? `listening: connect${as(one)}` : "the application listens")
  return socketMadeBy(one) === "switch"
    ? absent(
        "no process in this pod listens on it: check the plugin's log and the switch on the node",
        "not made by the switch"
      )
    : toMake(`start the application${as(one)}: it creates the socket, and the switch connects`)
}

/** A connect needs write access to the socket, a bind to the directory. Root has it, unless it dropped capabilities. */
const mayWrite = ({ gid, mode, uid }: FileStatus, who: Identity): boolean =>
  who.uid === 0 ||
  (uid === who.uid ? (mode & 0o200) !== 0 : who.gids.includes(gid) ? (mode & 0o020) !== 0 : (mode & 0o002) !== 0)

const status = (files: Files["Service"], path: string) => Effect.orElseSucceed(files.lstat(path), () => undefined)

const listensFlag = 0x10000

/** The paths of listening sockets, `@` before those without a file (proc_net(5)). Undefined: they cannot be read. */
const listeners = (files: Files["Service"]): Effect.Effect<ReadonlySet<string> | undefined> =>
  Effect.map(
    Effect.orElseSucceed(files.read("/proc/net/unix", 16 << 20), () => undefined),
    (text) =>
      text === undefined
        ? undefined
        : new Set(
            text.split("\n").flatMap((line) => {
              const [, flags, path] = /^\S+: \S+ \S+ (\S+) \S+ \S+ +\d+ (.+)$/.exec(line) ?? []
              if (flags === undefined || path === undefined) return []
              // Each NUL of a padded abstract name is shown as @.
              return (Number.parseInt(flags, 16) & listensFlag) === 0
                ? []
                : [path.startsWith("@") ? path.replace(/@+$/, "") : path]
            })
          )
  )
