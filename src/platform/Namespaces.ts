/** Network namespaces by path: the edge that distinguishes a sandbox from any other file. */
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { atOnce, type FileCalls } from "./Files.ts"
import { codeOf } from "./process/StandardStreams.ts"

/**
 * `own`: the namespace of this process. `out of sight`: the path is missing, and so is its directory or, for a path of a process, the node's PID namespace. In a container without them every namespace looks like this.
 */
export type NamespaceKind = "sandbox" | "own" | "other file" | "missing" | "out of sight" | "unreadable"

export class Namespaces extends Context.Service<
  Namespaces,
  { readonly judge: (path: string) => Effect.Effect<NamespaceKind> }
>()("userspace-cni/Namespaces") {
  static readonly make = (): Namespaces["Service"] => Namespaces.of({ judge: judgeBy(atOnce) })
  static readonly layer = Layer.sync(Namespaces, Namespaces.make)
}

/** f_type of nsfs in statfs(2). Files of namespaces are on nsfs, wherever they are bound and below /proc. */
const nsfs = 0x6e736673

/** A path that is too long or has a NUL names nothing. */
const absent = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"]

export const judgeBy =
  (calls: FileCalls) =>
  (path: string): Effect.Effect<NamespaceKind> =>
    Effect.catch(there(calls, path), (cause): Effect.Effect<NamespaceKind> => {
      // Only what certainly does not exist is missing, because GC removes its attachments.
      if (!absent.includes(codeOf(cause))) return Effect.succeed("unreadable")
      return Effect.map(isInSight(calls, path), (inSight) => (inSight ? "missing" : "out of sight"))
    })

const there = Effect.fnUntraced(function* (calls: FileCalls, path: string): Effect.fn.Return<NamespaceKind, unknown> {
  const { type } = yield* calls.statfs(path)
  if (type !== nsfs) return "other file"
  const isLink = (yield* calls.lstat(path))?.isSymbolicLink()
  if (isLink === true && ofOtherKind.test(yield* calls.readlink(path))) return "other file"
  const theirs = yield* calls.stat(path)
  const ours = yield* calls.stat("/proc/self/ns/net")
  return theirs.ino === ours.ino && theirs.dev === ours.dev ? "own" : "sandbox"
})

/** Process 1 of a PID namespace is a container's: there, the node's processes have other numbers, or none. */
const seesNode = (): boolean => process.pid !== 1

const isInSight = (calls: FileCalls, path: string): Effect.Effect<boolean> =>
  path.startsWith("/proc/")
    ? Effect.sync(seesNode)
    : Effect.andThen(isThere(calls, dirname(path)), (inSight) =>
        inSight ? Effect.map(isWithFirst(calls, path), (elsewhere) => !elsewhere) : Effect.succeed(false)
      )

const isThere = (calls: FileCalls, path: string): Effect.Effect<boolean> =>
  Effect.match(calls.stat(path), { onFailure: () => false, onSuccess: () => true })

/**
 * A container that sees the node's processes may have a directory of this name with other contents. What process 1 has
 * there is not missing. Who may not look by its root directory sees nothing else than before. An absolute link on the way
 * would lead back to our own root: /var/run is such a link.
 */
const isWithFirst = (calls: FileCalls, path: string): Effect.Effect<boolean> =>
  path.startsWith("/") ? isThere(calls, `/proc/1/root${path.replace(/^\/var\/run\//, "/run/")}`) : Effect.succeed(false)

/** Below /proc, a link has the namespace's kind: `net:[4026531840]`. That of one bound elsewhere is not checked. */
const ofOtherKind = /^(?!net:)[a-z_]+:\[\d+\]$/
