/**
 * `restore` beside an ADD and a DEL of the same attachment: each held at every step while the other runs. After a DEL nothing is left, in any order, and an ADD is not disturbed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { deleted } from "../../../src/attachment/verbs/Restore.ts"
import { copied } from "../support/Copied.ts"
import { edges, services } from "../support/Faults.ts"
import { heldAt, stepsOf } from "../support/Interleaved.ts"
import { networks } from "../support/Networks.ts"
import { type Asked, type Verb, World, type Wrap } from "../support/World.ts"

const cases: ReadonlyArray<readonly [string, Asked]> = [
  ["client mode", networks["client mode"]],
  ["server mode", networks["server mode, a long directory, device information"]]
]

/** Some tests try a thousand orders, perhaps on a busy machine. */
const test = <E>(name: string, self: () => Effect.Effect<void, E>) => it.live(name, self, 300_000)

const nothing = new World().dump()

const attached = copied((asked: Asked) => {
  const world = new World()
  return Effect.as(world.add(asked), { world })
})

/** Attached, and the switch has lost the port. */
const lost = Effect.fnUntraced(function* (asked: Asked) {
  const { world } = yield* attached(asked)
  world.ovs.empty()
  return world
})

const call = (world: World, verb: Verb, asked: Asked) => (wrap: Wrap) => Effect.orDie(world.call(verb, asked, wrap))
const restore = (world: World) => (wrap: Wrap) => Effect.orDie(world.restore(wrap))

const numbers = (length: number) => Array.from({ length }, (_, index) => index)

describe.each(cases)("%s", (_, asked) => {
  test("a DEL that is held at any step while a restore runs up to any step, and continues first", () =>
    Effect.gen(function* () {
      const dels = yield* stepsOf(call(yield* lost(asked), "DEL", asked))
      const restores = yield* stepsOf(restore(yield* lost(asked)))
      assert.isAbove(dels * restores, 50)
      for (const [at, to] of numbers(dels).flatMap((at) => numbers(restores + 1).map((to) => [at, to] as const))) {
        const world = yield* lost(asked)
        const del = yield* heldAt(at, call(world, "DEL", asked))
        const other = yield* heldAt(to, restore(world))
        yield* del.letGo
        yield* other.letGo
        assert.deepStrictEqual(world.dump(), nothing, `DEL held at ${at}, restore at ${to}`)
      }
    }))

  test("a restore that is held at any step while a DEL runs up to any step, and continues first", () =>
    Effect.gen(function* () {
      const dels = yield* stepsOf(call(yield* lost(asked), "DEL", asked))
      const restores = yield* stepsOf(restore(yield* lost(asked)))
      for (const [at, to] of numbers(restores).flatMap((at) => numbers(dels + 1).map((to) => [at, to] as const))) {
        const world = yield* lost(asked)
        const held = yield* heldAt(at, restore(world))
        const del = yield* heldAt(to, call(world, "DEL", asked))
        yield* held.letGo
        yield* del.letGo
        assert.deepStrictEqual(world.dump(), nothing, `restore held at ${at}, DEL at ${to}`)
      }
    }))

  test("a restore that is held at any step while a DEL runs reports a deletion, never a failure", () =>
    Effect.gen(function* () {
      let late = 0
      for (const chosen of [services, edges]) {
        const restores = yield* stepsOf(restore(yield* lost(asked)), chosen)
        for (const at of numbers(restores)) {
          const world = yield* lost(asked)
          const held = yield* heldAt(at, restore(world), chosen)
          yield* Effect.orDie(world.call("DEL", asked))
          for (const { result } of yield* held.letGo) {
            if (result.outcome === "failed") assert.fail(`restore held at ${at}: ${result.error.msg}`)
            if (result === deleted) late++
          }
          assert.deepStrictEqual(world.dump(), nothing, `restore held at ${at}`)
        }
      }
      assert.isAbove(late, 5)
    }))

  test("a DEL that is held between any two changes of a file or the database", () =>
    Effect.gen(function* () {
      const changes = yield* stepsOf(call(yield* lost(asked), "DEL", asked), edges)
      const restores = yield* stepsOf(restore(yield* lost(asked)))
      for (const [at, to] of numbers(restores).flatMap((at) => numbers(changes).map((to) => [at, to] as const))) {
        const world = yield* lost(asked)
        const held = yield* heldAt(at, restore(world))
        const del = yield* heldAt(to, call(world, "DEL", asked), edges)
        yield* held.letGo
        yield* del.letGo
        assert.deepStrictEqual(world.dump(), nothing, `restore held at ${at}, DEL at ${to}`)
      }
    }))

  test("an ADD that is held at any step is not disturbed", () =>
    Effect.gen(function* () {
      const steps = yield* stepsOf(call(new World(), "ADD", asked))
      const alone = new World()
      yield* alone.add(asked)
      for (const at of numbers(steps)) {
        const world = new World()
        const add = yield* heldAt(at, call(world, "ADD", asked))
        yield* world.restore()
        yield* add.letGo
        yield* world.call("CHECK", asked)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), nothing, `ADD held at ${at}`)
      }
    }))

  // Its last step marks the attachment as complete; a signal may follow directly.
  test("an ADD that is stopped at its end, and held at any step of its rollback", () =>
    Effect.gen(function* () {
      const steps = yield* stepsOf(call(new World(), "ADD", asked))
      const restores = yield* stepsOf(restore(yield* lost(asked)))
      for (const [at, to] of numbers(10).flatMap((at) => numbers(restores + 1).map((to) => [at, to] as const))) {
        const world = new World()
        const add = yield* heldAt(steps - 1, call(world, "ADD", asked))
        world.ovs.empty()
        const other = yield* heldAt(to, restore(world))
        yield* add.interrupt(at)
        yield* other.letGo
        yield* add.finish
        assert.deepStrictEqual(world.dump(), nothing, `ADD held at ${at} of its undo, restore at ${to}`)
      }
    }))

  test("a restore that is stopped at any step leaves work that the next one completes, or nothing after a DEL", () =>
    Effect.gen(function* () {
      const whole = new World()
      yield* whole.add(asked)
      const steps = yield* stepsOf(restore(yield* lost(asked)))
      for (const at of numbers(steps)) {
        const world = yield* lost(asked)
        const held = yield* heldAt(at, restore(world))
        yield* held.interrupt()
        yield* world.restore()
        yield* world.call("CHECK", asked)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), nothing, `restore stopped at ${at}`)
      }
    }))
})
