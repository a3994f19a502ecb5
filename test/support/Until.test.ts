import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { lastSeen, until } from "./Until.ts"

const counter = () => {
  let count = 0
  return Effect.sync(() => ++count)
}

const soon = { every: "1 millis", deadline: "50 millis" } as const

describe("until", () => {
  it.live("looks until it is there", () =>
    Effect.map(
      until("three", counter(), (count) => count === 3, { every: "1 millis" }),
      (count) => assert.strictEqual(count, 3)
    )
  )

  it.live("takes a look that fails for one that has not seen it yet", () =>
    Effect.gen(function* () {
      const count = counter()
      const look = Effect.filterOrFail(
        count,
        (now) => now > 2,
        () => "too early"
      )
      assert.strictEqual(yield* until("three", look, () => true, { every: "1 millis" }), 3)
    })
  )

  it.live("states what it waited for and what was there instead", () =>
    Effect.gen(function* () {
      const seen = yield* Effect.flip(until("a port", Effect.succeed({ ports: ["a"] }), () => false, soon))
      assert.strictEqual(seen.message, "waited for a port; instead there was { ports: [ 'a' ] }")
      const failed = yield* Effect.flip(until("a port", Effect.fail(new Error("ECONNREFUSED")), () => true, soon))
      assert.include(failed.message, "ECONNREFUSED")
      const hung = yield* Effect.flip(until("a port", Effect.never, () => true, soon))
      assert.include(hung.message, "no answer")
    })
  )
})

describe("lastSeen", () => {
  it.live("returns what is there at the deadline", () =>
    Effect.map(
      lastSeen(Effect.succeed("another"), (text) => text === "one", soon),
      (text) => assert.strictEqual(text, "another")
    )
  )
})
