/** Milliseconds of a monotonic clock. When a node's time is set after its start, no waiting time has passed. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** `currentTimeNanos` follows the node's time. */
export const millis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))
