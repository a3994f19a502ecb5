/**
 * A deadline for what comes from outside. On a node that starts a hundred pods a process can be without a processor for
 * seconds: its timer is then over although the answer has been there for long. So when the time is up, what has come
 * meanwhile is looked at first, and only then is it too late.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The event loop asks the system for news between one turn and the next. */
const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Like `Effect.timeoutOrElse`. */
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
