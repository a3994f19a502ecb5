/** A base directory with attachments in it, on any layer of `Files`; and failing edges below `SharedDir`. */
import { Effect, Layer, type Scope } from "effect"
import { FileError, Files } from "../../../src/platform/Files.ts"
import { type Ended, Processes, type Run } from "../../../src/platform/Processes.ts"
import { SharedDir } from "../../../src/shared-dir/SharedDir.ts"
import { socketPathsOf } from "../../../src/shared-dir/SocketPaths.ts"
import { ovs, portOf } from "../../cni/support/Reading.ts"
import { FilesSite, type FilesUnderTest } from "../../suites/FilesSite.ts"

interface Wanted {
  readonly containerId?: string
  readonly ifName?: string
  readonly network?: string
  readonly sharedDir?: string
  readonly vhost?: object
}

/** The paths of an attachment's files; by default `<base>/shared/0958c8871b32/`, which does not exist yet. */
export const placeIn = (base: string, wanted: Wanted = {}) => {
  const { containerId = "0958c8871b32cafe", ifName = "net1", network = "net" } = wanted
  return socketPathsOf({
    attachment: { network, containerId, ifName, netns: "/n", pod: undefined },
    port: portOf({ ...ovs, vhost: { mode: "client", ...wanted.vhost } }),
    handle: `${containerId.slice(0, 12)}-${ifName}`,
    sharedDir: wanted.sharedDir ?? `${base}/shared`,
    stateDir: `${base}/state`
  })
}

/** The subject of the suites of `SharedDir`. */
export type SharedDirUnderTest = FilesUnderTest | SharedDir

export const site = Effect.gen(function* () {
  const { base, gid, socket } = yield* FilesSite
  const files = yield* Files
  const sharedDir = yield* SharedDir
  return { base, files, gid, sharedDir, socket, place: placeIn(base), at: (wanted: Wanted) => placeIn(base, wanted) }
})

/**
 * Every path below the base with kind, mode, group if it is not the base's, and the text of files: equal lists are
 * equal trees.
 */
export const tree = Effect.gen(function* () {
  const { base } = yield* FilesSite
  const files = yield* Files
  const own = (yield* files.lstat(base))?.gid
  const below = (path: string): Effect.Effect<ReadonlyArray<string>, FileError> =>
    Effect.gen(function* () {
      const status = yield* files.lstat(path)
      if (status === undefined) return []
      const { gid, kind, mode } = status
      const text =
        kind === "file" ? yield* files.read(path, 1 << 21) : kind === "symlink" ? yield* files.readLink(path) : ""
      const line = `${path.slice(base.length)} ${kind} ${mode.toString(8)} ${gid === own ? "" : gid} ${text}`
      if (kind !== "directory") return [line]
      const names = [...(yield* files.list(path))].sort()
      return [line, ...(yield* Effect.forEach(names, (name) => below(`${path}/${name}`))).flat()]
    })
  return yield* below(base)
})

/** A program's answer; by default none may be called. */
type Answer = (run: Run) => Ended | string

export const processes = (answer: Answer): Layer.Layer<Processes> =>
  Layer.succeed(
    Processes,
    Processes.of({
      run: (run) =>
        Effect.suspend(() => {
          const ended = answer(run)
          return typeof ended === "string" ? Effect.die(ended) : Effect.succeed(ended)
        })
    })
  )

export const noProcesses = processes(({ program }) => `${program} was called`)

type Operation = keyof Files["Service"]

/** The file system with a wrapper of each step. */
export const around = (
  wrap: <A, R>(
    step: Effect.Effect<A, FileError, R>,
    operation: Operation,
    path: string
  ) => Effect.Effect<A, FileError, R>
): Layer.Layer<Files, never, Files> =>
  Layer.effect(
    Files,
    Effect.map(
      Files,
      (files) =>
        new Proxy(files, {
          get: (target, operation: Operation) => {
            const method: (...args: ReadonlyArray<never>) => Effect.Effect<unknown, FileError, Scope.Scope> =
              target[operation]
            const named = ["link", "rename", "symlink"].includes(operation) ? 1 : 0
            return (...args: ReadonlyArray<never>) =>
              Effect.suspend(() => wrap(method(...args), operation, args[named] ?? ""))
          }
        })
    )
  )

/** The file system with failing steps: those for which `code` returns an error. */
export const failing = (code: (operation: Operation, path: string) => string | undefined) =>
  around((step, operation, path) => {
    const failure = code(operation, path)
    return failure === undefined ? step : Effect.fail(new FileError({ operation, path, code: failure }))
  })

/** A separate `SharedDir` over other edges than the rest of the test: layers are shared unless they are fresh. */
export const over = (files: Layer.Layer<Files, never, Files>, programs: Layer.Layer<Processes> = noProcesses) =>
  SharedDir.layer.pipe(Layer.provide(programs), Layer.provide(files))
