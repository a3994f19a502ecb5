/**
 * An API server that answers late, on the test's clock: an answer counts up to the deadline. An incomplete answer does
 * not count until its end.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue } from "effect"
import { TestClock } from "effect/testing"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { bench, both, gives } from "./support/Bench.ts"

/** Answers that the server holds back; `next` waits for one, and returns an effect that sends it. */
const held = Effect.map(Queue.unbounded<() => void>(), (answers) => ({
  slow: (send: () => void) => void Queue.offerUnsafe(answers, send),
  next: Queue.take(answers)
}))

const ways = (["GET", "PUT"] as const).flatMap((method) => [
  { method, begun: false, how: "all of it" },
  { method, begun: true, how: "its second half" }
])

describe("a late answer", () => {
  it.effect.each(ways)("$method, $how: is used until the deadline, without a second request", ({ begun, method }) =>
    Effect.gen(function* () {
      const { addition, annotations, asked, server } = yield* bench()
      const { next, slow } = yield* held
      server.fail({ method, does: { slow, begun } })
      const call = yield* Effect.forkChild(addition)
      const send = yield* next
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(call.pollUnsafe())
      send()
      yield* Fiber.join(call)
      assert.deepStrictEqual(asked(), ["GET 200", "PUT status 200"])
      assert.deepStrictEqual(annotations(), both)
    })
  )

  it.effect.each(ways)("$method, $how: beyond the deadline, the pod is read again", ({ begun, method }) =>
    Effect.gen(function* () {
      const { addition, annotations, asked, server } = yield* bench()
      const { next, slow } = yield* held
      server.fail({ method, does: { slow, begun } })
      const call = yield* Effect.forkChild(addition)
      const send = yield* next
      yield* TestClock.adjust("5 seconds")
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(call)
      send()
      // A write before the deadline was made, and is not repeated.
      assert.deepStrictEqual(
        asked(),
        method === "GET" ? ["GET 200", "GET 200", "PUT status 200"] : ["GET 200", "PUT status 200", "GET 200"]
      )
      assert.deepStrictEqual(annotations(), both)
    })
  )

  it.effect.each(ways)("$method, $how: never within the deadline, and the error says so", ({ begun, method }) =>
    Effect.gen(function* () {
      const { addition, asked, server } = yield* bench()
      const { next, slow } = yield* held
      server.fail({ method: "GET", after: method === "GET" ? 0 : 1, does: { slow, begun }, times: 2 })
      if (method === "PUT") server.fail({ method, does: { slow, begun } })
      const call = yield* Effect.forkChild(Effect.flip(addition))
      yield* next
      yield* TestClock.adjust("5 seconds")
      yield* TestClock.adjust("100 millis")
      yield* next
      yield* TestClock.adjust("5 seconds")
      gives(
        yield* Fiber.join(call),
        ErrorCodes.TryAgainLater,
        method === "GET" ? /read pod tests\/web on https:.*: no answer within 5 s$/ : /annotate pod .* within 5 s$/,
        /The API server is overloaded/
      )
      assert.deepStrictEqual(
        asked(),
        method === "GET" ? ["GET 200", "GET 200"] : ["GET 200", "PUT status 200", "GET 200"]
      )
    })
  )
})
