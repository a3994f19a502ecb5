/** {@link Namespaces} for a process of many calls: see `WaitingFiles.ts`. One that does not tell in time is unreadable. */
import * as Fs from "node:fs/promises"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { absent, type NamespaceKind, Namespaces, nsfs, ofOtherKind, seesNode } from "../Namespaces.ts"
import { patience } from "./WaitingFiles.ts"

const codeOf = (cause: unknown) => (cause instanceof Error && "code" in cause ? String(cause.code) : "")

const asked = <A>(ask: () => Promise<A>) => Effect.tryPromise({ try: ask, catch: codeOf })

const judge = (path: string, millis: number): Effect.Effect<NamespaceKind> =>
  there(path).pipe(
    Effect.catch((code): Effect.Effect<NamespaceKind> => {
      if (!absent.includes(code)) return Effect.succeed("unreadable")
      return Effect.map(isInSight(path), (inSight) => (inSight ? "missing" : "out of sight"))
    }),
    Effect.timeoutOrElse({ duration: millis, orElse: () => Effect.succeed("unreadable" as const) })
  )

const there = Effect.fnUntraced(function* (path: string): Effect.fn.Return<NamespaceKind, string> {
  const { type } = yield* asked(() => Fs.statfs(path))
  if (type !== nsfs) return "other file"
  const link = (yield* asked(() => Fs.lstat(path))).isSymbolicLink() ? yield* asked(() => Fs.readlink(path)) : ""
  if (ofOtherKind.test(link)) return "other file"
  const theirs = yield* asked(() => Fs.stat(path))
  const ours = yield* asked(() => Fs.stat("/proc/self/ns/net"))
  return theirs.ino === ours.ino && theirs.dev === ours.dev ? "own" : "sandbox"
})

const isInSight = (path: string): Effect.Effect<boolean> =>
  path.startsWith("/proc/")
    ? Effect.sync(seesNode)
    : Effect.match(
        asked(() => Fs.stat(dirname(path))),
        { onFailure: () => false, onSuccess: () => true }
      )

export const layer = (millis: number = patience): Layer.Layer<Namespaces> =>
  Layer.succeed(Namespaces, Namespaces.of({ judge: (path) => judge(path, millis) }))
