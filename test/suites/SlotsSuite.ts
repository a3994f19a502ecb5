/** The behaviour of every layer of `Slots`. Runs under bun as well, so it asserts with node's own module. */
import * as assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { Effect, Exit, Fiber, Scope } from "effect"
import { Slots } from "../../src/platform/Sockets.ts"
import { suite } from "./Suite.ts"

/** Holds a name in a separate scope. */
const held = Effect.fnUntraced(function* (name: string) {
  const slots = yield* Slots
  const scope = yield* Scope.fork(yield* Effect.scope)
  const got = yield* Scope.provide(slots.hold(name), scope)
  return { got, release: Scope.close(scope, Exit.void) }
})

export const slots = suite<Slots>("Slots", (test) => {
  test("has one holder at a time, and another after it is gone", () =>
    Effect.gen(function* () {
      const name = randomUUID()
      const first = yield* held(name)
      const second = yield* held(name)
      assert.deepEqual([first.got, second.got], [true, false])
      yield* first.release
      assert.equal((yield* held(name)).got, true)
    }))

  test("names are independent", () =>
    Effect.gen(function* () {
      const name = randomUUID()
      assert.equal((yield* held(`${name}/1`)).got, true)
      assert.equal((yield* held(`${name}/11`)).got, true)
    }))

  test("all waiters resume when the holder is gone", () =>
    Effect.gen(function* () {
      const slots = yield* Slots
      const name = randomUUID()
      const { release } = yield* held(name)
      const waiting = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(slots.freed(name)))
      assert.equal(waiting[0]?.pollUnsafe(), undefined)
      yield* release
      yield* Effect.forEach(waiting, Fiber.join)
    }))

  test("nobody waits for a name that nobody has", () => Effect.flatMap(Slots, (slots) => slots.freed(randomUUID())))

  test("a wait can be interrupted, and affects nobody", () =>
    Effect.gen(function* () {
      const slots = yield* Slots
      const name = randomUUID()
      const { release } = yield* held(name)
      const waiting = yield* Effect.forkChild(slots.freed(name), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.equal((yield* held(name)).got, false)
      yield* release
      assert.equal((yield* held(name)).got, true)
    }))
})
