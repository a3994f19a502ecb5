/**
 * A change to the world with its undo beside it. The undo is registered before the change is made: a change that failed
 * half-way, or whose answer was lost, is undone as well, so every undo finds what is there and removes only that. The
 * enclosing scope runs undos last first, on failure, defect and interruption; one that fails is logged and hides nothing.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Deadlines } from "../cni/Deadlines.ts"

export const revertible = <A, E, R, E2, R2>(
  step: string,
  apply: Effect.Effect<A, E, R>,
  undo: Effect.Effect<unknown, E2, R2>
): Effect.Effect<A, E, R | R2 | Scope.Scope> =>
  Effect.andThen(
    Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? Effect.void : undone(step, undo))),
    Effect.withSpan(apply, step)
  )

const undone = Effect.fnUntraced(function* <E, R>(step: string, undo: Effect.Effect<unknown, E, R>) {
  const { undo: seconds } = yield* Deadlines
  yield* undo.pipe(
    Effect.timeout(`${seconds} seconds`),
    Effect.withSpan(`undo ${step}`),
    Effect.matchCauseEffect({
      onFailure: (cause) => Effect.logWarning(`could not undo "${step}": the next DEL of this attachment will`, cause),
      onSuccess: () => Effect.logInfo(`undid "${step}"`)
    })
  )
})
