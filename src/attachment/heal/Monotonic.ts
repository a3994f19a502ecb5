/** Milliseconds of a monotonic clock. When a node's time is set after its start, no waiting time has passed. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export const millis: Effect.Effect<number> = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))
