/**
 * What every layer of `Slots` does. The cases are data, so that vitest can run them on Node's layer and a small program
 * on bun's; that is why they assert with node's own module.
 */
import * as assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { Effect, Exit, Fiber, Scope } from "effect"
import { type SlotError, Slots } from "../../src/platform/Slots.ts"

export interface SlotsCase {
  readonly name: string
  readonly run: Effect.Effect<void, SlotError, Slots | Scope.Scope>
}

/** Holds a name in a scope of its own. */
const held = Effect.fnUntraced(function* (name: string) {
  const slots = yield* Slots
  const scope = yield* Scope.fork(yield* Effect.scope)
  const got = yield* Scope.provide(slots.hold(name), scope)
  return { got, release: Scope.close(scope, Exit.void) }
})

export const cases: ReadonlyArray<SlotsCase> = [
  {
    name: "one holder at a time, and another when it has gone",
    run: Effect.gen(function* () {
      const name = randomUUID()
      const first = yield* held(name)
      const second = yield* held(name)
      assert.deepEqual([first.got, second.got], [true, false])
      yield* first.release
      assert.equal((yield* held(name)).got, true)
    })
  },
  {
    name: "names are apart",
    run: Effect.gen(function* () {
      const name = randomUUID()
      assert.equal((yield* held(`${name}/1`)).got, true)
      assert.equal((yield* held(`${name}/11`)).got, true)
    })
  },
  {
    name: "who waits is told when the holder has gone, every one of them",
    run: Effect.gen(function* () {
      const slots = yield* Slots
      const name = randomUUID()
      const { release } = yield* held(name)
      const waiting = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(slots.freed(name)))
      assert.equal(waiting[0]?.pollUnsafe(), undefined)
      yield* release
      yield* Effect.forEach(waiting, Fiber.join)
    })
  },
  {
    name: "nobody waits for a name that nobody has",
    run: Effect.flatMap(Slots, (slots) => slots.freed(randomUUID()))
  },
  {
    name: "a wait can be given up, and hurts nobody",
    run: Effect.gen(function* () {
      const slots = yield* Slots
      const name = randomUUID()
      const { release } = yield* held(name)
      const waiting = yield* Effect.forkChild(slots.freed(name), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.equal((yield* held(name)).got, false)
      yield* release
      assert.equal((yield* held(name)).got, true)
    })
  }
]
