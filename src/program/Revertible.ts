/**
 * A change with its undo. The undo is registered before the change: a change that failed half-way, or whose answer was
 * lost, is undone as well, so every undo inspects what exists and removes only that. The enclosing scope runs undos in
 * reverse order, on failure, defect and interruption. A failing undo is logged and hides no other error.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Committed } from "./Committed.ts"
import { Deadlines } from "./Deadlines.ts"
import { step, undoing } from "./Step.ts"

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
  yield* undoing(name, Effect.timeout(undo, `${seconds} seconds`)).pipe(
    Effect.matchCauseEffect({
      onFailure: (cause) => {
        incomplete.any = true
        return Effect.logWarning(`could not undo "${name}": the next DEL of this attachment will`, cause)
      },
      onSuccess: () => Effect.logInfo(`undid "${name}"`)
    })
  )
})
