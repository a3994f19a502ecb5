/** {@link Namespaces} for a process of many calls: see `WaitingFiles.ts`. One that does not tell in time is unreadable. */
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { absent, type NamespaceKind, Namespaces, nsfs, ofOtherKind } from "./Namespaces.ts"
import { patience } from "./WaitingFiles.ts"

const codeOf = (cause: unknown) => (cause instanceof Error && "code" in cause ? String(cause.code) : "")

const asked = <A>(ask: () => Promise<A>) => Effect.tryPromise({ try: ask, catch: codeOf })

const judge = (path: string, millis: number): Effect.Effect<NamespaceKind> =>
  Effect.gen(function* () {
    const { type } = yield* asked(() => Fs.statfs(path))
    if (type !== nsfs) return "other file" as const
    const link = (yield* asked(() => Fs.lstat(path))).isSymbolicLink() ? yield* asked(() => Fs.readlink(path)) : ""
    if (ofOtherKind.test(link)) return "other file" as const
    const theirs = yield* asked(() => Fs.stat(path))
    const ours = yield* asked(() => Fs.stat("/proc/self/ns/net"))
    return theirs.ino === ours.ino && theirs.dev === ours.dev ? ("own" as const) : ("sandbox" as const)
  }).pipe(
    Effect.timeoutOrElse({ duration: millis, orElse: () => Effect.fail("ETIMEDOUT") }),
    Effect.catch(
      (code): Effect.Effect<NamespaceKind> => Effect.succeed(absent.includes(code) ? "missing" : "unreadable")
    )
  )

export const layer = (millis: number = patience): Layer.Layer<Namespaces> =>
  Layer.succeed(Namespaces, Namespaces.of({ judge: (path) => judge(path, millis) }))
