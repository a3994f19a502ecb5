/**
 * Two concurrent calls, each held at one of its steps while the other runs: tries the orders that a scheduler may
 * choose, step by step. Steps are the calls of services, or of the edges below them, counted as they come.
 */
import { Deferred, Effect, Exit, Fiber } from "effect"
import { services } from "./Faults.ts"
import type { Wrap } from "./World.ts"

type Call<A, E> = (wrap: Wrap) => Effect.Effect<A, E>

/** Runs `before` before each step. */
const stepping =
  (before: Effect.Effect<void>, chosen: ReadonlySet<string>): Wrap =>
  (name, service) => {
    if (!chosen.has(name)) return service
    // A signal may follow the last step of ADD as well.
    const stepped = (effect: Effect.Effect<unknown, unknown, unknown>, key: PropertyKey) =>
      Effect.andThen(before, key === "settle" ? Effect.tap(effect, before) : effect)
    return new Proxy(service, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        if (Effect.isEffect(member)) return stepped(member, key)
        if (typeof member !== "function") return member
        return (...args: ReadonlyArray<unknown>) => {
          const done: unknown = Reflect.apply(member, target, args)
          return Effect.isEffect(done) ? stepped(done, key) : done
        }
      }
    })
  }

/** Runs a call up to the step at `at`, or to its end if it does not reach that. */
export const heldAt = Effect.fnUntraced(function* <A, E>(at: number, call: Call<A, E>, chosen = services) {
  let index = 0
  let stop = { at, reached: Deferred.makeUnsafe<void>(), go: Deferred.makeUnsafe<void>() }
  const wrap = stepping(
    Effect.suspend(() => {
      const step = index++
      if (step === stop.at) Deferred.doneUnsafe(stop.reached, Exit.void)
      // The whole process stops, with its concurrent work.
      return step < stop.at ? Effect.void : Deferred.await(stop.go)
    }),
    chosen
  )
  const fiber = yield* Effect.forkDetach(call(wrap), { startImmediately: true })
  const stands = Effect.suspend(() => Effect.raceFirst(Deferred.await(stop.reached), Effect.asVoid(Fiber.await(fiber))))
  yield* stands
  return {
    /** Runs to its end. */
    letGo: Effect.andThen(
      Effect.suspend(() => Deferred.succeed(stop.go, undefined)),
      Fiber.join(fiber)
    ),
    /** Interrupts as a signal does, up to a step of the rollback, counted from here, or to the end. */
    interrupt: (more = Number.POSITIVE_INFINITY) =>
      Effect.suspend(() => {
        const { go } = stop
        stop = { at: index + more, reached: Deferred.makeUnsafe(), go: Deferred.makeUnsafe() }
        fiber.interruptUnsafe()
        return Effect.andThen(Deferred.succeed(go, undefined), stands)
      }),
    /** To its end, with success or not. */
    finish: Effect.andThen(
      Effect.suspend(() => Deferred.succeed(stop.go, undefined)),
      Fiber.await(fiber)
    )
  }
})

/** The number of steps of a successful call. */
export const stepsOf = Effect.fnUntraced(function* <A, E>(call: Call<A, E>, chosen = services) {
  let steps = 0
  const count = Effect.sync(() => {
    steps++
  })
  yield* call(stepping(count, chosen))
  return steps
})
