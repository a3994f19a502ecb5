/**
 * A deadline for external events. On a busy node a process can be without CPU for seconds: its timer has then expired
 * although the answer has arrived. So at the deadline, pending events are processed first.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Between two turns, the event loop polls the system for events. */
export const turn: Effect.Effect<void> = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Works like `Effect.timeoutOrElse`. */
export const within =
  <B, E2, R2>({
    duration,
    orElse
  }: {
    readonly duration: Duration.Input
    readonly orElse: () => Effect.Effect<B, E2, R2>
  }) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | B, E | E2, R | R2> => {
    const late = Effect.andThen(Effect.sleep(duration), Effect.andThen(turn, turn))
    const both = Effect.raceFirst(
      Effect.map(self, (a): Effect.Effect<A | B, E2, R2> => Effect.succeed(a)),
      Effect.as(late, Effect.suspend(orElse))
    )
    return Effect.flatten(both)
  }
