/** Directory and socket of an attachment: who created them, who may use them, who listens. */
import { basename } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type FileStatus, Files } from "../../../platform/Files.ts"
import { Processes } from "../../../platform/Processes.ts"
import type { SocketPaths } from "../../../shared-dir/SocketPaths.ts"
import { found, type Judged, nothing, together, unknown, unseen, well } from "../findings/Finding.ts"
import { mayWrite, type Sandbox, type User } from "./Sandbox.ts"

export interface Socket {
  readonly place: SocketPaths
  readonly madeBy: "switch" | "application"
  readonly abstract: boolean
  readonly directory: FileStatus | undefined
  readonly socket: FileStatus | undefined
  /** Why they could not be inspected. */
  readonly failed: string | undefined
  readonly now: number
  /** Of the socket, or of the directory before it exists. Undefined: this node has no SELinux. */
  readonly label: string | undefined
}

export const look = Effect.fnUntraced(function* (place: SocketPaths, madeBy: Socket["madeBy"], abstract: boolean) {
  const files = yield* Files
  const status = (path: string) =>
    Effect.catchIf(
      files.lstat(path),
      ({ code }) => code === "ENOTDIR",
      () => Effect.succeed(undefined)
    )
  const looked = yield* Effect.result(Effect.all([status(place.directory), status(place.socketPath)]))
  const [directory, socket] = looked._tag === "Success" ? looked.success : [undefined, undefined]
  const seen: Socket = {
    place,
    madeBy,
    abstract,
    directory,
    socket,
    failed: looked._tag === "Success" ? undefined : looked.failure.message,
    now: yield* Clock.currentTimeMillis,
    label:
      directory === undefined ? undefined : yield* labelOf(socket === undefined ? place.directory : place.socketPath)
  }
  return seen
})

/** No edge reads extended attributes, so stat(1) does. */
const labelOf = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const enforcing = yield* Effect.orElseSucceed(files.lstat("/sys/fs/selinux/enforce"), () => undefined)
  if (enforcing === undefined) return undefined
  const { run } = yield* Processes
  return yield* run({
    program: "/usr/bin/stat",
    args: ["--format=%C", "--", path],
    env: {},
    stdin: "",
    limit: 4096
  }).pipe(
    Effect.map(({ status, stdout }) => (status === 0 ? stdout.trim() : undefined)),
    Effect.orElseSucceed(() => undefined)
  )
})

/** `connected`: by the switch; undefined: unknown. */
export const judge = (seen: Socket, sandbox: Sandbox, connected: boolean | undefined): Judged => {
  const { abstract, directory, failed, madeBy, place, socket } = seen
  if (abstract) return unknown("socket", "abstract: it has no file, and its name is one of the sandbox")
  if (failed !== undefined) return unseen("socket", failed)
  if (directory?.kind !== "directory" && directory?.kind !== "symlink") {
    const path = place.directory
    return found("directory", "shared-directory-missing", `${path} does not exist`, { path })
  }
  const shared = well("directory", `${place.directory}, ${inWords(directory)}`)
  if (socket === undefined) return together([shared, withoutSocket(seen, directory, sandbox)])
  if (socket.kind !== "socket") {
    return together([
      shared,
      found("socket", "socket-obstructed", `${place.socketPath} is a ${socket.kind}`, { path: place.socketPath })
    ])
  }
  const words = `${place.socketPath}, made by the ${madeBy} at ${new Date(socket.modified).toISOString()}, ${inWords(socket)}${labelled(seen.label)}`
  return together([
    shared,
    madeBy === "switch"
      ? ofSwitch(words, seen, socket, sandbox)
      : ofApplication(words, seen, socket, sandbox, connected)
  ])
}

const labelled = (label: Socket["label"]): string => (label === undefined ? "" : `, SELinux label ${label}`)

const inWords = ({ gid, mode, uid }: FileStatus): string =>
  `mode ${mode.toString(8).padStart(4, "0")}, owner ${uid}:${gid}`

const named = ({ gids, uid }: User): string => `uid ${uid} (groups ${gids.join(", ")})`

/** Returns the users without access, if no user of the pod has access. */
const denied = (status: FileStatus, { users }: Sandbox): ReadonlyArray<User> =>
  users === undefined || users.some((user) => mayWrite(status, user)) ? [] : users

const withoutSocket = (seen: Socket, directory: FileStatus, sandbox: Sandbox): Judged => {
  const { madeBy, place } = seen
  if (madeBy === "switch") {
    return found("socket", "socket-missing", `the switch has not created ${place.socketPath}, or it was removed`)
  }
  const [user] = denied(directory, sandbox)
  return user === undefined
    ? well("socket", `the application has not created ${place.socketPath}${labelled(seen.label)}`)
    : found(
        "socket",
        "application-may-not-create-socket",
        `${named(user)} has no write permission in ${place.directory}, ${inWords(directory)}${labelled(seen.label)}`,
        { path: place.directory }
      )
}

const ofSwitch = (words: string, { place }: Socket, socket: FileStatus, sandbox: Sandbox): Judged => {
  const [user] = denied(socket, sandbox)
  return user === undefined
    ? well("socket", words)
    : found("socket", "application-may-not-connect", `${named(user)} has no permission to connect: ${words}`, {
        path: place.socketPath
      })
}

/** Open vSwitch retries every second, VPP every three. */
const patience = 5_000

const ofApplication = (
  words: string,
  { label, now, place }: Socket,
  { modified }: FileStatus,
  { listening }: Sandbox,
  connected: boolean | undefined
): Judged => {
  const path = place.socketPath
  const listens = listening?.has(basename(path))
  if (connected === true) return together([well("socket", words), well("listener", "the application")])
  if (listens === undefined)
    return together([well("socket", words), unknown("listener", "no process is in the sandbox")])
  if (!listens) return found("listener", "socket-stale", `nobody in the sandbox listens on ${words}`, { path })
  return together([
    well("socket", words),
    connected === false && now - modified > patience
      ? found("listener", "switch-does-not-connect", `the application listens on ${path}${labelled(label)}`, { path })
      : nothing
  ])
}
