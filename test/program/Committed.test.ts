/** A completed ADD stays, and says so: a signal while its connections are closed changes nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import type { Document } from "../../src/app/CniCall.ts"
import { CniError } from "../../src/cni/types/CniError.ts"
import { type Answering, answered, commit } from "../../src/program/Step.ts"
import { networks } from "../attachment/support/Networks.ts"
import { World } from "../attachment/support/World.ts"

/** A node whose calls stop while they close connections. */
const closingSlowly = Effect.gen(function* () {
  const world = new World()
  const closing = yield* Deferred.make<void>()
  const goOn = yield* Deferred.make<void>()
  const slow = Effect.acquireRelease(Effect.void, () =>
    Effect.andThen(Deferred.succeed(closing, undefined), Deferred.await(goOn))
  )
  world.around = { ContainerConfig: Effect.tap(slow) }
  return { world, closing, goOn }
})

const told = () => {
  const exits: Array<Exit.Exit<Document, CniError>> = []
  const left: Array<Exit.Exit<Document, CniError>> = []
  const add = (to: typeof exits) => (exit: Exit.Exit<Document, CniError>) => Effect.sync(() => void to.push(exit))
  return { exits, left, answering: { tell: add(exits), leave: add(left) } }
}

describe("a signal", () => {
  it.effect("after the last step: the answer is the result, written once and at once; the attachment stays", () =>
    Effect.gen(function* () {
      const { closing, goOn, world } = yield* closingSlowly
      const { answering, exits } = told()
      const { conf } = networks["client mode"]
      const fiber = yield* Effect.forkChild(answered(world.call("ADD", { conf }), answering))
      yield* Deferred.await(closing)
      assert.strictEqual(exits.length, 1)
      const interrupted = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* Effect.yieldNow
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.await(interrupted)

      assert.strictEqual(exits.length, 1)
      assert.isTrue(exits.every(Exit.isSuccess))
      assert.isTrue(world.ovs.dump().some((line) => line.includes("dpdkvhostuserclient")))
      yield* world.call("DEL", { conf })
    })
  )

  it.effect("the same with spans: the process exits after the last of them", () =>
    Effect.gen(function* () {
      const closing = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const { answering, exits, left } = told()
      const done = commit({ answer: "done" })
      const slow = Effect.ensuring(done, Effect.andThen(Deferred.succeed(closing, undefined), Deferred.await(goOn)))
      const call = Effect.as(Effect.withTracerEnabled(slow, true), undefined)
      const fiber = yield* Effect.forkChild(answered(call, answering))
      yield* Deferred.await(closing)
      assert.deepStrictEqual(exits, [Exit.succeed({ answer: "done" })])
      assert.deepStrictEqual(left, [])
      const interrupted = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* Effect.yieldNow
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.await(interrupted)
      assert.deepStrictEqual(left, exits)
      assert.strictEqual(exits.length, 1)
    })
  )

  it.effect("at the moment of the answer: nothing is rolled back", () =>
    Effect.gen(function* () {
      const world = new World()
      const { conf } = networks["client mode"]
      const { answering, exits, left } = told()
      const signalled = Effect.withFiber((fiber) =>
        Effect.forkDetach(Fiber.interrupt(fiber), { startImmediately: true })
      )
      const fiber = yield* Effect.forkChild(
        answered(world.call("ADD", { conf }), {
          ...answering,
          tell: (exit) => Effect.andThen(signalled, answering.tell(exit))
        })
      )
      yield* Fiber.await(fiber)
      assert.strictEqual(exits.length, 1)
      assert.deepStrictEqual(left, exits)
      assert.isTrue(exits.every(Exit.isSuccess))
      assert.isTrue(world.ovs.dump().some((line) => line.includes("dpdkvhostuserclient")))
      yield* world.call("DEL", { conf })
    })
  )

  it.effect("after a DEL: the same, with an empty answer", () =>
    Effect.gen(function* () {
      const { closing, goOn, world } = yield* closingSlowly
      const { answering, exits } = told()
      const call = world.call("DEL", { conf: networks["client mode"].conf })
      const fiber = yield* Effect.forkChild(answered(call, answering))
      yield* Deferred.await(closing)
      assert.deepStrictEqual(exits, [Exit.succeed(undefined)])
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(fiber)
      assert.strictEqual(exits.length, 1)
    })
  )

  it.effect("before that: everything is rolled back, and the answer says so", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      const begun = yield* Deferred.make<void>()
      world.around = { ContainerConfig: () => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) }
      const { answering, exits } = told()
      const fiber = yield* Effect.forkChild(
        answered(world.call("ADD", { conf: networks["client mode"].conf }), answering)
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(exits.length === 1 && exits.every(Exit.hasInterrupts))
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("an answer that cannot be written", () => {
  const untaken = CniError.of(5, "the answer cannot be written", "Open it.")
  const deaf: Answering<CniError>["tell"] = () => Effect.fail(untaken)

  it.effect("fails an ADD, which rolls everything back", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      const { answering, left } = told()
      yield* answered(world.call("ADD", { conf: networks["client mode"].conf }), { ...answering, tell: deaf })
      assert.deepStrictEqual(left, [Exit.fail(untaken)])
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("does not turn a failed ADD into a success", () =>
    Effect.gen(function* () {
      const { answering, left } = told()
      yield* answered(Effect.fail(CniError.of(7, "wrong", "Correct it.")), { ...answering, tell: deaf })
      assert.isTrue(left.length === 1 && left.every(Exit.isFailure))
    })
  )
})
