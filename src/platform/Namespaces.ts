/** Network namespaces by path: the edge that distinguishes a sandbox from any other file. */
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { atOnce, type FileCalls } from "./FileCalls.ts"

/**
 * `own`: the one that this process is in. `out of sight`: not there, and neither is where it would be: the directory, or, of
 * a process, the PID namespace of the node. In a container that lacks them every namespace looks so.
 */
export type NamespaceKind = "sandbox" | "own" | "other file" | "missing" | "out of sight" | "unreadable"

export class Namespaces extends Context.Service<
  Namespaces,
  { readonly judge: (path: string) => Effect.Effect<NamespaceKind> }
>()("userspace-cni/Namespaces") {
  static readonly make = (): Namespaces["Service"] => Namespaces.of({ judge: judgeBy(atOnce) })
  static readonly layer = Layer.sync(Namespaces, Namespaces.make)
}

/** statfs(2): f_type of nsfs, which every namespace's file is on, bound somewhere or below /proc. */
const nsfs = 0x6e736673

/** A path that is too long, or has a NUL in it, names nothing. */
const absent = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"]

const codeOf = (cause: unknown) => (cause instanceof Error && "code" in cause ? String(cause.code) : "")

export const judgeBy =
  (calls: FileCalls) =>
  (path: string): Effect.Effect<NamespaceKind> =>
    Effect.catch(there(calls, path), (cause): Effect.Effect<NamespaceKind> => {
      // Only what is certainly not there is missing: GC removes what was added to it.
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

/** The first process of a PID namespace is a container's: the node's processes have other numbers there, or none. */
const seesNode = (): boolean => process.pid !== 1

const isInSight = (calls: FileCalls, path: string): Effect.Effect<boolean> =>
  path.startsWith("/proc/")
    ? Effect.sync(seesNode)
    : Effect.match(calls.stat(dirname(path)), { onFailure: () => false, onSuccess: () => true })

/** Below /proc a link tells its kind: `net:[4026531840]`. One that is bound elsewhere is taken at its word. */
const ofOtherKind = /^(?!net:)[a-z_]+:\[\d+\]$/
