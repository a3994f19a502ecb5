/** For the loops of this room. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/** A defect is logged, and ends no loop. */
export const undying = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.catchCause(self, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.logError("events of pods are not told. Report this with the lines that follow.", cause)
  )
