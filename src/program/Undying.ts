/** For loops that run as long as the process. Only the agent has them. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/** A failure or a defect is logged with these words, and ends no loop; an interruption does. */
export const undying =
  (words: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.catchCause(self, (cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.logError(words, cause)
    )
