/**
 * Directory change events: the edge for waiting on a file. Not reliable: an event can be lost, mounts cause none, the
 * kernel's watches can be used up. Callers have to poll as well.
 */
import * as Fs from "node:fs"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

export class Changes extends Context.Service<
  Changes,
  {
    /** Watches from now until the scope closes; the effect it gives resumes with the first change, one before it included. */
    readonly watch: (directories: ReadonlyArray<string>) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
  }
>()("userspace-cni/Changes") {
  static readonly layer = Layer.sync(Changes, () => Changes.of({ watch }))
}

const watch = Effect.fnUntraced(function* (directories: ReadonlyArray<string>) {
  const changed = yield* Deferred.make<void>()
  const tell = () => void Deferred.doneUnsafe(changed, Effect.void)
  for (const directory of new Set(directories)) {
    yield* Effect.acquireRelease(
      Effect.option(Effect.try({ try: () => open(directory, tell), catch: String })),
      (watcher) => Effect.sync(() => watcher._tag === "Some" && watcher.value.close())
    )
  }
  return Deferred.await(changed)
})

const open = (directory: string, tell: () => void): Fs.FSWatcher => {
  const watcher = Fs.watch(directory, { persistent: true }, tell)
  // The directory went away: a change as well.
  watcher.on("error", tell)
  return watcher
}
