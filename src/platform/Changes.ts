/**
 * Directory change events: the edge for waiting on a file. Events are not reliable: one can be lost, mounts cause none,
 * and the kernel's watches can run out. Callers must poll as well.
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
    /** The returned effect resumes with the first change since `watch`. The scope ends it. */
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
  // The directory was removed, which is a change as well.
  watcher.on("error", tell)
  return watcher
}
