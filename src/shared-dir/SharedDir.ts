/**
 * The shared directory of host and container: the directory, the socket in it, and the container config. Removes only
 * what is the attachment's own, and follows no link, because a container can write here. `SocketPaths.ts` has the
 * paths.
 */
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ErrorCodes } from "../cni/types/CniError.ts"
import { FileError, type FileStatus, Files, orElse } from "../platform/Files.ts"
import { Processes } from "../platform/Processes.ts"
import {
  fromFile,
  inUseMarkerFile,
  isDirectory,
  makeShortLink,
  missing,
  moveIn,
  moveOut,
  type PublishedFile,
  readPublished,
  removeShortLink,
  removeUnused,
  SharedDirError,
  together
} from "./Directories.ts"
import { mayBeLink, type SocketPaths } from "./SocketPaths.ts"

type Done<A = void> = Effect.Effect<A, SharedDirError>

/** Identifies a socket, whatever its name. */
export type Socket = Pick<FileStatus, "dev" | "ino">

/** `forgotten`: what `republish` and `open` put right, as after a repair that was killed between the two. */
interface Deviation {
  readonly what: string
  readonly kind?: "forgotten"
}

type Access = Pick<FileStatus, "gid" | "mode">

export class SharedDir extends Context.Service<
  SharedDir,
  {
    /**
     * Changes nothing: checks group and path. `socket`: a socket will be created whose name is not unique to the
     * attachment, so none may exist. Returns the directories that `prepare` would create.
     */
    readonly inspect: (place: SocketPaths, wanted?: { readonly socket: boolean }) => Done<ReadonlyArray<string>>
    /** Returns the current group and mode if `prepare` will change them, otherwise undefined. */
    readonly access: (place: SocketPaths) => Done<Access | undefined>
    /** Restores them if the directory still exists. */
    readonly restore: (place: SocketPaths, access: Access) => Done
    /** Creates the directory with the requested group and mode, and a short link if one is needed. */
    readonly prepare: (place: SocketPaths) => Done
    /** Publishes a socket from the switch's own directory here, also across file systems. */
    readonly publish: (place: SocketPaths, from: string) => Done
    /** Publishes the socket again if the switch no longer has the published one. Undefined: it is current. */
    readonly republish: (place: SocketPaths, from: string) => Done<Socket | undefined>
    /** Lets the container's user connect to a socket of the switch. Returns whether that was needed. */
    readonly open: (place: SocketPaths) => Done<boolean>
    /** Writes the container config atomically. */
    readonly writeConfig: (place: SocketPaths, text: string) => Done
    /** Removes everything, or everything but the socket. A missing file is not a failure. `made`: from `inspect`. */
    readonly release: (place: SocketPaths, made: ReadonlyArray<string>, own?: { readonly socket: boolean }) => Done
    /** Removes the socket that `republish` returned if it still exists, and the directory if it is ours and unused. */
    readonly withdraw: (place: SocketPaths, made: ReadonlyArray<string>, socket: Socket | undefined) => Done
    /** Returns the current container config, or undefined. */
    readonly readConfig: (place: SocketPaths) => Done<string | undefined>
    /** Returns the container configs in marked directories below `base`. */
    readonly published: (base: string) => Done<ReadonlyArray<PublishedFile>>
    /** Returns differences from what ADD set up, except for the text that `readConfig` returns. */
    readonly verify: (place: SocketPaths, expected: { readonly socket: boolean }) => Done<ReadonlyArray<Deviation>>
  }
>()("userspace-cni/SharedDir") {
  static readonly layer = Layer.effect(
    SharedDir,
    Effect.suspend(() => make)
  )
}

const openSocket = "set the mode of the socket"

const make = Effect.gen(function* () {
  const files = yield* Files
  const processes = yield* Processes

  const inspect = Effect.fnUntraced(function* (place: SocketPaths, wanted = { socket: false }) {
    yield* gidOf(files, place)
    if (wanted.socket) yield* Effect.mapError(vacant(files, place.socketPath), fromFile("make the socket"))
    if (place.volume !== undefined) return yield* Effect.as(surveyVolume(files, place), [])
    return yield* Effect.mapError(missing(files, place.directory), fromFile("inspect"))
  })

  const access = Effect.fnUntraced(function* ({ directory, group, volume }: SocketPaths) {
    if (group === undefined || volume !== undefined) return undefined
    const there = yield* orElse("ENOTDIR", undefined)(files.lstat(directory)).pipe(Effect.mapError(fromFile("inspect")))
    return there?.kind === "directory" ? { gid: there.gid, mode: there.mode } : undefined
  })

  const restore = ({ directory }: SocketPaths, before: Access) =>
    files
      .change(directory, "directory", before)
      .pipe(orElse("ENOENT", undefined), Effect.mapError(fromFile("restore the group of")))

  const prepare = Effect.fnUntraced(function* (place: SocketPaths) {
    if (Buffer.byteLength(place.switchPath) > 107) return yield* tooLong(place)
    const gid = yield* gidOf(files, place)
    yield* place.volume === undefined ? prepareOwn(files, place, gid) : prepareVolume(files, place, gid)
    if (place.link !== undefined) yield* makeShortLink(files, place.link, place.directory)
  })

  const publish = Effect.fnUntraced(function* (place: SocketPaths, from: string) {
    yield* files.link(from, place.socketPath).pipe(
      Effect.mapError(fromFile("publish the socket as")),
      Effect.catchIf(
        ({ answer }) => answer === "EXDEV" || answer === "EPERM",
        () => Effect.flatMap(bindMount, ({ bind }) => bind(files, processes, from, place.socketPath))
      )
    )
  })

  const republish = Effect.fnUntraced(function* (place: SocketPaths, from: string) {
    const look = (path: string) => Effect.mapError(files.lstat(path), fromFile("inspect"))
    const own = yield* look(from)
    const published = yield* look(place.socketPath)
    if (own !== undefined && published?.ino === own.ino && published.dev === own.dev) return undefined
    if (published !== undefined) yield* removeSocket(files, processes, place.socketPath)
    yield* publish(place, from)
    return own
  })

  const open = Effect.fnUntraced(function* (place: SocketPaths) {
    const wanted = socketAccess(yield* gidOf(files, place))
    const is = yield* Effect.mapError(files.lstat(place.socketPath), fromFile(openSocket))
    if (is?.kind === "socket" && isAsWanted(wanted, is)) return false
    yield* Effect.mapError(files.change(place.socketPath, "socket", wanted), fromFile(openSocket))
    return true
  })

  const writeConfig = Effect.fnUntraced(
    function* (place: SocketPaths, text: string) {
      const beside = `${place.configPath}.new`
      // A call that was killed between the two steps left it.
      yield* orElse("ENOENT", undefined)(files.unlink(beside))
      const gid = yield* gidOf(files, place)
      // It may contain a secret. Without a group the application's user is unknown, so everybody may read it.
      yield* gid === undefined ? files.create(beside, text, 0o644) : files.create(beside, text, 0o640, gid)
      yield* Effect.tapError(files.rename(beside, place.configPath), () => Effect.ignore(files.unlink(beside)))
      yield* moveOut(files, place)
    },
    Effect.mapError((error) =>
      error._tag === "FileError" ? fromFile("write the container's configuration")(error) : error
    )
  )

  const release = Effect.fnUntraced(function* (
    place: SocketPaths,
    made: ReadonlyArray<string>,
    own = { socket: true }
  ) {
    const steps: ReadonlyArray<Done<unknown>> = [
      removeFile(files, place.configPath),
      removeFile(files, `${place.configPath}.new`),
      removeFile(files, inUseMarkerFile(place)),
      own.socket ? removeSocket(files, processes, place.socketPath) : Effect.void,
      place.link === undefined ? Effect.void : removeShortLink(files, place.link),
      place.volume === undefined
        ? Effect.andThen(
            Effect.mapError(removePlanted(files, place.directory), fromFile("remove")),
            Effect.mapError(removeUnused(files, place.directory, made), fromFile("remove"))
          )
        : Effect.void
    ]
    const [, failures] = yield* Effect.partition(steps, (step) => step)
    const [first, ...others] = failures
    if (first !== undefined) return yield* together(first, others)
  })

  const withdraw = Effect.fnUntraced(function* (
    { directory, socketPath, volume }: SocketPaths,
    made: ReadonlyArray<string>,
    socket: Socket | undefined
  ) {
    const is = socket === undefined ? undefined : yield* Effect.mapError(files.lstat(socketPath), fromFile("inspect"))
    if (is !== undefined && is.ino === socket?.ino && is.dev === socket.dev) {
      yield* removeSocket(files, processes, socketPath)
    }
    if (volume === undefined) yield* Effect.mapError(removeUnused(files, directory, made), fromFile("remove"))
  })

  const readConfig = (place: SocketPaths) =>
    files
      .read(place.configPath, 1 << 20)
      .pipe(
        orElse(["ENOENT", "ENOTDIR", "ELOOP", "EINVAL", "EFBIG"], undefined),
        Effect.mapError(fromFile("read the container's configuration"))
      )

  const published = (base: string) =>
    Effect.mapError(readPublished(files, base), fromFile("read the container configs in"))

  const verify = Effect.fnUntraced(
    function* (place: SocketPaths, { socket }: { readonly socket: boolean }) {
      const found: Array<Deviation> = []
      if (!(yield* isDirectory(files, place))) return [{ what: `the shared directory ${place.directory} is missing` }]
      if (
        place.link !== undefined &&
        (yield* orElse(["ENOENT", "EINVAL"], "")(files.readLink(place.link))) !== place.directory
      )
        found.push({ what: `the short link ${place.link} does not point to ${place.directory}` })
      if (!socket) return found
      const is = yield* files.lstat(place.socketPath)
      if (is?.kind !== "socket")
        return [...found, { what: `the socket ${place.socketPath} is missing`, kind: "forgotten" } as const]
      const wanted = socketAccess(yield* gidOf(files, place))
      if (isAsWanted(wanted, is)) return found
      const what = `the socket ${place.socketPath} has ${accessInWords(is)}, not ${accessInWords(wanted)}`
      return [...found, { what, kind: "forgotten" } as const]
    },
    Effect.mapError((error) => (error._tag === "FileError" ? fromFile("inspect")(error) : error))
  )

  /** Pins the directories before a method inspects them, because a container can replace files meanwhile. */
  const safely =
    <A extends ReadonlyArray<unknown>, B>(method: (place: SocketPaths, ...rest: A) => Done<B>) =>
    (place: SocketPaths, ...rest: A): Done<B> =>
      mayBeLink(place) ? method(place, ...rest) : Effect.andThen(files.pin(place.directory), method(place, ...rest))

  return SharedDir.of({
    inspect: safely(inspect),
    access: safely(access),
    restore: safely(restore),
    prepare: safely(prepare),
    publish: safely(publish),
    republish: safely(republish),
    open: safely(open),
    writeConfig: safely(writeConfig),
    release: safely(release),
    withdraw: safely(withdraw),
    readConfig: safely(readConfig),
    published,
    verify: safely(verify)
  })
})

const vacant = Effect.fnUntraced(function* (files: Files["Service"], path: string) {
  // Nothing exists below a file; `prepare` reports it.
  if ((yield* orElse("ENOTDIR", undefined)(files.lstat(path))) !== undefined) {
    return yield* new FileError({ operation: "inspect", path, code: "EEXIST" })
  }
})

/** Removes a link in place of the directory, created by a user with write access to the parent. */
const removePlanted = Effect.fnUntraced(function* (files: Files["Service"], directory: string) {
  const there = yield* orElse("ENOTDIR", undefined)(files.lstat(directory))
  if (there?.kind === "symlink") yield* orElse("ENOENT", undefined)(files.unlink(directory))
})

/** Rarely needed: a hard link is enough on one file system. */
const bindMount = Effect.promise(() => import("./BindMount.ts"))

/** Removes a socket. A bind-mounted one is busy, and unmounted first. A missing socket is not a failure. */
const removeSocket = (files: Fs, processes: Processes["Service"], path: string): Done => {
  const remove = orElse(["ENOENT", "ENOTDIR", "EISDIR"], undefined)(files.unlink(path))
  return remove.pipe(
    Effect.mapError(fromFile("remove")),
    Effect.catchIf(
      ({ answer }) => answer === "EBUSY",
      () =>
        Effect.flatMap(bindMount, ({ unbind }) =>
          Effect.andThen(unbind(files, processes, path), Effect.mapError(remove, fromFile("remove")))
        )
    )
  )
}

const removeFile = (files: Files["Service"], path: string): Done =>
  files.unlink(path).pipe(
    // EISDIR, EPERM: somebody else created a directory of that name.
    orElse(["ENOENT", "ENOTDIR", "EISDIR"], undefined),
    Effect.mapError(fromFile("remove"))
  )

const tooLong = ({ switchPath }: SocketPaths) =>
  new SharedDirError({
    operation: `make the socket ${switchPath}`,
    answer: `${Buffer.byteLength(switchPath)} bytes, a socket path may have 107`,
    cure: "Set a shorter sharedDir, stateDir or socketfile.",
    code: ErrorCodes.SocketPath
  })

type Fs = Files["Service"]

/** The number of the group that may use directory and socket (`host.vhost.group`), if one is configured. */
const gidOf = Effect.fnUntraced(function* (files: Fs, { group }: SocketPaths) {
  if (group === undefined || /^\d+$/.test(group)) return group === undefined ? undefined : Number(group)
  const text = yield* Effect.mapError(files.read("/etc/group", 1 << 20), fromFile("read the groups in"))
  const gid = text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === group)?.[2]
  if (gid !== undefined && /^\d+$/.test(gid)) return Number(gid)
  return yield* new SharedDirError({
    operation: `find the group ${group} in /etc/group`,
    answer: "not found",
    cure: "Set host.vhost.group to a group that exists on the node, or to a number.",
    code: ErrorCodes.InvalidConfiguration
  })
})

interface SocketAccess {
  /** Undefined: any group, because everybody may connect. */
  readonly gid?: number
  readonly mode: number
}

const socketAccess = (gid: number | undefined): SocketAccess =>
  gid === undefined ? { mode: 0o666 } : { mode: 0o660, gid }

const isAsWanted = (wanted: SocketAccess, { gid, mode }: SocketAccess): boolean =>
  mode === wanted.mode && (wanted.gid === undefined || gid === wanted.gid)

const accessInWords = ({ gid, mode }: SocketAccess): string =>
  `mode ${mode.toString(8).padStart(4, "0")}${gid === undefined ? "" : ` of group ${gid}`}`

const surveyVolume = Effect.fnUntraced(function* (files: Fs, { directory, volume }: SocketPaths) {
  const there = yield* Effect.mapError(files.lstat(directory), fromFile("inspect"))
  if (there === undefined && volume === "kubelet") return yield* notMounted(directory)
  const followed = there?.kind === "symlink" && mayBeLink({ directory, volume })
  if (there === undefined || there.kind === "directory" || followed) return
  return yield* fromFile("use")(new FileError({ operation: "inspect", path: directory, code: "ENOTDIR" }))
})

/** The directory of the plugin. */
const prepareOwn = Effect.fnUntraced(function* (files: Fs, place: SocketPaths, gid: number | undefined) {
  const { directory } = place
  if ((yield* Effect.mapError(files.lstat(directory), fromFile("inspect")))?.kind === "symlink") {
    return yield* fromFile("use")(new FileError({ operation: "inspect", path: directory, code: "ENOTDIR" }))
  }
  yield* Effect.mapError(moveIn(files, place), fromFile("make"))
  if (gid === undefined) return
  // setgid: files that the application creates in it belong to the group as well. Without a group, only root has
  // access.
  yield* Effect.mapError(files.change(directory, "directory", { gid, mode: 0o2770 }), fromFile("set the group of"))
})

/** Owner and mode of an existing directory are kept; the pod's `fsGroup` sets them. */
const prepareVolume = Effect.fnUntraced(function* (files: Fs, { directory }: SocketPaths, gid: number | undefined) {
  const there = yield* Effect.mapError(files.lstat(directory), fromFile("inspect"))
  if (there !== undefined) return
  yield* Effect.mapError(makePlain(files, directory), fromFile("make"))
  if (gid === undefined) return
  yield* Effect.mapError(files.change(directory, "directory", { gid, mode: 0o2775 }), fromFile("set the group of"))
})

/** Like `mkdir -p`: a concurrent creation is a success. */
const makePlain = (files: Fs, directory: string): Effect.Effect<void, FileError> =>
  Effect.flatMap(files.lstat(directory), (there) =>
    there !== undefined
      ? Effect.void
      : Effect.andThen(
          makePlain(files, dirname(directory)),
          orElse("EEXIST", undefined)(files.makeDirectory(directory, 0o755))
        )
  )

const notMounted = (path: string) =>
  new SharedDirError({
    operation: `use ${path}`,
    answer: "ENOENT",
    cure: "Check that kubelet's root directory is /var/lib/kubelet, and that the caller of the plugin sees the node's directories: kubelet creates a pod's volumes before its network.",
    code: ErrorCodes.IoFailure
  })
