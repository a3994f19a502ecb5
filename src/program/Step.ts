/**
 * The steps of a program, declared where they are taken, and changes with their undo. A dry run lists changes under
 * the current step, and a trace has a span for each. The undo is registered before its change, which may fail half-way
 * or lose its answer, so every undo inspects what exists and removes only that. The scope runs undos in reverse order,
 * on failure, defect and interruption. A failing undo is logged and hides no other error.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Committed } from "./Committed.ts"
import { spanned } from "./Trace.ts"

/**
 * Deadlines in seconds; tests shorten them. A runtime kills the plugin at its own deadline, and kubelet gives a sandbox
 * two to four minutes: a plugin that times out earlier can still roll back.
 */
interface Waits {
  /** For one run of an IPAM plugin. Less than 60, at which whereabouts' own DEL times out and reports success. */
  readonly ipam: number
  /** For one rollback step. */
  readonly undo: number
  /** For one probe of STATUS: kubelet asks every five seconds. */
  readonly status: number
  /** For a whole verb. */
  readonly total: number
}

export const Deadlines = Context.Reference<Waits>("userspace-cni/Deadlines", {
  defaultValue: () => ({ ipam: 30, undo: 15, status: 4, total: 90 })
})

interface Step {
  readonly name: string
  /** True: the step rolls another one back, and is part of it. */
  readonly undoes: boolean
}

/** The current step; undefined between steps. */
export const CurrentStep = Context.Reference<Step | undefined>("userspace-cni/Step", { defaultValue: () => undefined })

/** A step that runs inside another one is part of it. */
export const step = <A, E, R>(name: string, self: Effect.Effect<A, E, R>, undoes = false): Effect.Effect<A, E, R> =>
  spanned(
    Effect.flatMap(CurrentStep, (outer) => Effect.provideService(self, CurrentStep, outer ?? { name, undoes })),
    undoes ? `undo ${name}` : name
  )

/** Whether any undo failed. */
export const IncompleteRollback = Context.Reference<{ any: boolean }>("userspace-cni/Leftovers", {
  defaultValue: () => ({ any: false })
})

/** The scope of revertible changes. Its incomplete undos are visible inside, and not outside. */
export const rolledBack = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.suspend(() => Effect.provideService(Effect.scoped(self), IncompleteRollback, { any: false }))

export const revertible = <A, E, R, E2, R2>(
  name: string,
  apply: Effect.Effect<A, E, R>,
  undo: Effect.Effect<unknown, E2, R2>
): Effect.Effect<A, E, R | R2 | Scope.Scope> =>
  Effect.andThen(
    Effect.addFinalizer((exit) =>
      Effect.flatMap(Committed, ({ isDone }) => (Exit.isSuccess(exit) || isDone() ? Effect.void : undone(name, undo)))
    ),
    step(name, apply)
  )

const undone = Effect.fnUntraced(function* <E, R>(name: string, undo: Effect.Effect<unknown, E, R>) {
  const { undo: seconds } = yield* Deadlines
  const incomplete = yield* IncompleteRollback
  yield* step(name, Effect.timeout(undo, `${seconds} seconds`), true).pipe(
    Effect.matchCauseEffect({
      onFailure: (cause) => {
        incomplete.any = true
        return Effect.logWarning(`could not undo "${name}": the next DEL of this attachment will`, cause)
      },
      onSuccess: () => Effect.logInfo(`undid "${name}"`)
    })
  )
})
