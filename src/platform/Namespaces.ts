/** Network namespaces by their path: the edge that tells a sandbox from any other file. */
import * as Fs from "node:fs"
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * `own`: the one that this process is in. `out of sight`: not there, and neither is where it would be: the directory, or, of
 * a process, the PID namespace of the node. In a container that lacks them every namespace looks so.
 */
export type NamespaceKind = "sandbox" | "own" | "other file" | "missing" | "out of sight" | "unreadable"

export class Namespaces extends Context.Service<
  Namespaces,
  { readonly judge: (path: string) => Effect.Effect<NamespaceKind> }
>()("userspace-cni/Namespaces") {
  static readonly make = (): Namespaces["Service"] => Namespaces.of({ judge })
  static readonly layer = Layer.sync(Namespaces, Namespaces.make)
}

/** statfs(2): f_type of nsfs, which every namespace's file is on, bound somewhere or below /proc. */
export const nsfs = 0x6e736673

/** A path that is too long, or has a NUL in it, names nothing. */
export const absent = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"]

const judge = (path: string): Effect.Effect<NamespaceKind> =>
  Effect.catch(
    Effect.try({
      try: (): NamespaceKind => {
        if (Fs.statfsSync(path).type !== nsfs || isOtherKind(path)) return "other file"
        const theirs = Fs.statSync(path)
        const ours = Fs.statSync("/proc/self/ns/net")
        return theirs.ino === ours.ino && theirs.dev === ours.dev ? "own" : "sandbox"
      },
      catch: (cause) => (cause instanceof Error && "code" in cause ? String(cause.code) : "")
    }),
    // Only what is certainly not there is missing: GC removes what was added to it.
    (code): Effect.Effect<NamespaceKind> =>
      Effect.sync(() => (!absent.includes(code) ? "unreadable" : isInSight(path) ? "missing" : "out of sight"))
  )

/** The first process of a PID namespace is a container's: the node's processes have other numbers there, or none. */
export const seesNode = (): boolean => process.pid !== 1

const isInSight = (path: string): boolean => (path.startsWith("/proc/") ? seesNode() : Fs.existsSync(dirname(path)))

/** Below /proc a link tells its kind: `net:[4026531840]`. One that is bound elsewhere is taken at its word. */
export const ofOtherKind = /^(?!net:)[a-z_]+:\[\d+\]$/

const isOtherKind = (path: string): boolean =>
  Fs.lstatSync(path).isSymbolicLink() && ofOtherKind.test(Fs.readlinkSync(path))
