/** Deadlines and retries of reads and writes. Permanent failures are not retried. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Reason } from "./PodsError.ts"

/** Repeats `attempt` while the failure is temporary and the total deadline allows it, and returns the last failure. */
export const persist = <A, R>(attempt: Effect.Effect<A, Reason, R>): Effect.Effect<A, Reason, R> =>
  Effect.gen(function* () {
    const { total } = yield* KubernetesDeadlines
    const end = (yield* Clock.currentTimeMillis) + total * 1000
    const next = (round: number): Effect.Effect<A, Reason, R> =>
      Effect.catch(
        attempt,
        Effect.fnUntraced(function* (reason: Reason) {
          const pause = pauseAfter(reason, round, yield* Random.next)
          const now = yield* Clock.currentTimeMillis
          if (pause === undefined || now + pause >= end) return yield* Effect.fail(reason)
          yield* Effect.logDebug(`retrying the API server in ${Math.round(pause)} ms: ${reason._tag}`)
          return yield* Effect.andThen(Effect.sleep(pause), next(round + 1))
        })
      )
    return yield* next(0)
  })

/** Milliseconds; undefined: no retry. `chance`: 0 to 1, so that calls that failed together do not retry together. */
export const pauseAfter = (reason: Reason, round: number, chance: number): number | undefined => {
  const growing = (first: number, most: number) => Math.min(first * 2 ** round, most) * (0.5 + chance / 2)
  switch (reason._tag) {
    case "Unreachable":
    case "TooSlow":
      return growing(100, 2000)
    case "Busy":
      // Retry-After is a minimum: a value of 0 does not permit retries without a pause.
      return Math.max(reason.seconds ?? 0, 0) * 1000 + growing(200, 2000)
    case "Conflict":
      return growing(10, 500)
    default:
      return undefined
  }
}

/** In seconds, for one request, and for all of an operation. Shorter than the deadline of a rollback step. */
export const KubernetesDeadlines = Context.Reference("userspace-cni/KubernetesDeadlines", {
  defaultValue: () => ({ answer: 5, total: 8 })
})
