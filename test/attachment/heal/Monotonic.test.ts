/** A node's time that is set, as by NTP after its start, is no time that has passed. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { millis } from "../../../src/attachment/node/Survey.ts"

it.live("no minute passes when the node's time is set forward by an hour", () =>
  Effect.gen(function* () {
    const real = yield* Clock.Clock
    const ahead = 3_600_000
    const set: Clock.Clock = {
      ...real,
      monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
      currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + ahead,
      currentTimeMillis: Effect.map(real.currentTimeMillis, (now) => now + ahead),
      currentTimeNanosUnsafe: () => real.currentTimeNanosUnsafe() + BigInt(ahead) * 1_000_000n,
      currentTimeNanos: Effect.map(real.currentTimeNanos, (now) => now + BigInt(ahead) * 1_000_000n),
      sleep: (duration) => real.sleep(duration)
    }
    const before = yield* millis
    assert.isBelow((yield* Effect.provideService(millis, Clock.Clock, set)) - before, 60_000)
  })
)
