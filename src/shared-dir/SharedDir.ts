/**
 * What host and container share: the directory, the socket in it, and the file that tells the container what it got.
 * Removes only what is the attachment's own, and follows no link, because a container can write here. Where things are
 * is decided in `Place.ts`.
 */
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { FileError, type FileStatus, Files, orElse } from "../platform/Files.ts"
import { Processes } from "../platform/Processes.ts"
import { bind, removeSocket } from "./BindMount.ts"
import { ensure, missing, removeUnused } from "./Directories.ts"
import type { Place } from "./Place.ts"
import { fromFile, SharedDirError, together } from "./SharedDirError.ts"
import * as VolumeDirectory from "./VolumeDirectory.ts"

type Done<A = void> = Effect.Effect<A, SharedDirError>

/** Who may use a directory. */
export type Access = Pick<FileStatus, "gid" | "mode">

export class SharedDir extends Context.Service<
  SharedDir,
  {
    /**
     * Looks only: the group exists, the path can be used. `socket`: one will be made whose name is not ours alone, so
     * none may be there. Returns the directories that `prepare` would make.
     */
    readonly survey: (place: Place, wanted?: { readonly socket: boolean }) => Done<ReadonlyArray<string>>
    /** Group and mode that `prepare` will change; undefined when it will not: nothing is there, or nothing is asked. */
    readonly access: (place: Place) => Done<Access | undefined>
    /** Gives them back, where the directory still is. */
    readonly restore: (place: Place, access: Access) => Done
    /** Makes the directory with the asked group and mode, and the short link where one is needed. */
    readonly prepare: (place: Place) => Done
    /** Makes a socket that the switch put elsewhere reachable here, on another file system as well. */
    readonly publish: (place: Place, from: string) => Done
    /** Lets the container's user connect to a socket that the switch made. */
    readonly open: (place: Place) => Done
    /** Writes the container's configuration, whole or not at all. */
    readonly hand: (place: Place, text: string) => Done
    /** Removes all of it, or all but the socket; what is gone already is no failure. `made`: from `survey`. */
    readonly release: (place: Place, made: ReadonlyArray<string>, own?: { readonly socket: boolean }) => Done
    /** The container's configuration as it is now; undefined when there is none. */
    readonly handed: (place: Place) => Done<string | undefined>
    /** What is not as ADD left it, in words, but for the text that `handed` gives. */
    readonly verify: (place: Place, expected: { readonly socket: boolean }) => Done<ReadonlyArray<string>>
  }
>()("userspace-cni/SharedDir") {
  static readonly layer = Layer.effect(
    SharedDir,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const files = yield* Files
  const processes = yield* Processes

  const survey = Effect.fn("SharedDir.survey")(function* (place: Place, wanted = { socket: false }) {
    yield* gidOf(files, place)
    if (wanted.socket) yield* Effect.mapError(vacant(files, place.socketPath), fromFile("make the socket"))
    if (place.volume !== undefined) return yield* Effect.as(VolumeDirectory.survey(files, place), [])
    return yield* Effect.mapError(missing(files, place.directory), fromFile("look at"))
  })

  const access = Effect.fn("SharedDir.access")(function* ({ directory, group, volume }: Place) {
    if (group === undefined || volume !== undefined) return undefined
    const there = yield* orElse("ENOTDIR", undefined)(files.lstat(directory)).pipe(Effect.mapError(fromFile("look at")))
    return there?.kind === "directory" ? { gid: there.gid, mode: there.mode } : undefined
  })

  const restore = Effect.fn("SharedDir.restore")(({ directory }: Place, before: Access) =>
    files
      .change(directory, "directory", before)
      .pipe(orElse("ENOENT", undefined), Effect.mapError(fromFile("give back the group of")))
  )

  const prepare = Effect.fn("SharedDir.prepare")(function* (place: Place) {
    if (Buffer.byteLength(place.switchPath) > 107) return yield* tooLong(place)
    const gid = yield* gidOf(files, place)
    yield* place.volume === undefined ? makeOwn(files, place, gid) : VolumeDirectory.prepare(files, place, gid)
    if (place.link !== undefined) {
      yield* Effect.mapError(makeLink(files, place.link, place.directory), fromFile("make the short link"))
    }
  })

  const publish = Effect.fn("SharedDir.publish")(function* (place: Place, from: string) {
    yield* files.link(from, place.socketPath).pipe(
      Effect.mapError(fromFile("publish the socket as")),
      Effect.catchIf(
        ({ answer }) => answer === "EXDEV" || answer === "EPERM",
        () => bind(files, processes, from, place.socketPath)
      )
    )
  })

  const open = Effect.fn("SharedDir.open")(function* (place: Place) {
    const gid = yield* gidOf(files, place)
    yield* files
      .change(place.socketPath, "socket", gid === undefined ? { mode: 0o666 } : { mode: 0o660, gid })
      .pipe(Effect.mapError(fromFile("set the mode of the socket")))
  })

  const hand = Effect.fn("SharedDir.hand")(
    function* (place: Place, text: string) {
      const beside = `${place.configPath}.new`
      // Left by a call that was killed between the two steps.
      yield* orElse("ENOENT", undefined)(files.unlink(beside))
      yield* files.create(beside, text, 0o644)
      yield* Effect.tapError(files.rename(beside, place.configPath), () => Effect.ignore(files.unlink(beside)))
    },
    Effect.mapError(fromFile("write the container's configuration"))
  )

  const release = Effect.fn("SharedDir.release")(function* (
    place: Place,
    made: ReadonlyArray<string>,
    own = { socket: true }
  ) {
    const steps: ReadonlyArray<Done<unknown>> = [
      removeFile(files, place.configPath),
      removeFile(files, `${place.configPath}.new`),
      own.socket ? removeSocket(files, processes, place.socketPath) : Effect.void,
      place.link === undefined ? Effect.void : removeLink(files, place.link),
      place.volume === undefined
        ? Effect.mapError(removeUnused(files, place.directory, made), fromFile("remove"))
        : Effect.void
    ]
    const [, failures] = yield* Effect.partition(steps, (step) => step)
    const [first, ...others] = failures
    if (first !== undefined) return yield* together(first, others)
  })

  const handed = Effect.fn("SharedDir.handed")(
    (place: Place) =>
      orElse(["ENOENT", "ENOTDIR", "ELOOP", "EINVAL", "EFBIG"], undefined)(files.read(place.configPath, 1 << 20)),
    Effect.mapError(fromFile("read the container's configuration"))
  )

  const verify = Effect.fn("SharedDir.verify")(
    function* (place: Place, { socket }: { readonly socket: boolean }) {
      const found: Array<string> = []
      if ((yield* files.lstat(place.directory))?.kind !== "directory")
        return [`the shared directory ${place.directory} is missing`]
      if (
        place.link !== undefined &&
        (yield* orElse(["ENOENT", "EINVAL"], "")(files.readLink(place.link))) !== place.directory
      )
        found.push(`the short link ${place.link} does not lead to ${place.directory}`)
      if (socket && (yield* files.lstat(place.socketPath))?.kind !== "socket")
        found.push(`the socket ${place.socketPath} is missing`)
      return found
    },
    Effect.mapError(fromFile("look at"))
  )

  return SharedDir.of({ survey, access, restore, prepare, publish, open, hand, release, handed, verify })
})

const makeOwn = Effect.fnUntraced(function* (files: Files["Service"], { directory }: Place, gid: number | undefined) {
  yield* Effect.mapError(ensure(files, directory, 0o755), fromFile("make"))
  if (gid === undefined) return
  // setgid: what the application makes in it belongs to the group as well. Without a group, root's only.
  yield* Effect.mapError(files.change(directory, "directory", { gid, mode: 0o2770 }), fromFile("set the group of"))
})

const vacant = Effect.fnUntraced(function* (files: Files["Service"], path: string) {
  // Below something that is no directory there is nothing: `prepare` says so.
  if ((yield* orElse("ENOTDIR", undefined)(files.lstat(path))) !== undefined) {
    return yield* new FileError({ operation: "look at", path, code: "EEXIST" })
  }
})

const removeFile = (files: Files["Service"], path: string): Done =>
  files.unlink(path).pipe(
    // EISDIR, EPERM: a directory of that name was put there by somebody else.
    orElse(["ENOENT", "ENOTDIR", "EISDIR"], undefined),
    Effect.mapError(fromFile("remove"))
  )

const makeLink = Effect.fnUntraced(function* (files: Files["Service"], link: string, target: string) {
  yield* ensure(files, dirname(link), 0o755)
  const there = yield* orElse(["ENOENT", "EINVAL"], undefined)(files.readLink(link))
  if (there === target) return
  if (there !== undefined) yield* files.unlink(link)
  yield* files.symlink(target, link)
})

const removeLink = Effect.fnUntraced(
  function* (files: Files["Service"], link: string) {
    const status = yield* files.lstat(link)
    if (status?.kind === "symlink") yield* orElse("ENOENT", undefined)(files.unlink(link))
    // Ours by name: a call that was killed may not have come to marking it.
    yield* removeUnused(files, dirname(link), [dirname(link)])
  },
  Effect.mapError(fromFile("remove the short link"))
)

const gidOf = Effect.fnUntraced(function* (files: Files["Service"], { group }: Place) {
  if (group === undefined || /^\d+$/.test(group)) return group === undefined ? undefined : Number(group)
  const text = yield* Effect.mapError(files.read("/etc/group", 1 << 20), fromFile("read the groups in"))
  const gid = text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === group)?.[2]
  if (gid !== undefined && /^\d+$/.test(gid)) return Number(gid)
  return yield* new SharedDirError({
    operation: `find the group ${group} in`,
    path: "/etc/group",
    answer: "not there",
    cure: "Set host.vhost.group to a group that exists on the node, or to a number.",
    code: ErrorCodes.InvalidConfiguration
  })
})

const tooLong = ({ switchPath }: Place) =>
  new SharedDirError({
    operation: "make the socket",
    path: switchPath,
    answer: `${Buffer.byteLength(switchPath)} bytes, and a socket's path has at most 107`,
    cure: "Set a shorter sharedDir, stateDir or socketfile.",
    code: ErrorCodes.SocketPath
  })
