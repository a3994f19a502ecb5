/**
 * A change with its undo: undos run in reverse order, after any end of the program, and past one that fails, dies or
 * hangs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import { revertible } from "../../src/program/Step.ts"

/** Records actions, and the log. */
const notebook = () => {
  const done: Array<string> = []
  const log: Array<string> = []
  const logger = Logger.layer([
    Logger.make(({ logLevel, message }) => {
      log.push(`${logLevel}: ${[message].flat().join(" ")}`)
    })
  ])
  return { done, log, logger, does: (what: string) => Effect.sync(() => done.push(what)) }
}

describe("undo", () => {
  it.effect("is not run on success", () =>
    Effect.gen(function* () {
      const { does, done, log, logger } = notebook()
      const value = yield* revertible("a", Effect.as(does("+a"), 7), does("-a")).pipe(
        Effect.scoped,
        Effect.provide(logger)
      )
      assert.strictEqual(value, 7)
      assert.deepStrictEqual([done, log], [["+a"], []])
    })
  )

  it.effect.each([
    ["a failure", Effect.fail("boom"), "boom"],
    ["a defect", Effect.die("boom"), "boom"],
    ["an interruption", Effect.interrupt, ""]
  ] as const)("runs in reverse order on %s, and hides nothing of it", ([, end, text]) =>
    Effect.gen(function* () {
      const { does, done, log, logger } = notebook()
      const exit = yield* Effect.gen(function* () {
        yield* revertible("a", does("+a"), does("-a"))
        yield* revertible("fails", does("+fails"), Effect.fail("no"))
        yield* revertible("dies", does("+dies"), Effect.die("no"))
        yield* revertible("b", does("+b"), does("-b"))
        return yield* end
      }).pipe(Effect.scoped, Effect.provide(logger), Effect.exit)
      assert.deepStrictEqual(done, ["+a", "+fails", "+dies", "+b", "-b", "-a"])
      assert.deepStrictEqual(
        log.map((line) => line.split(":")[0]),
        ["Info", "Warn", "Warn", "Info"]
      )
      assert.include(log[1], 'could not undo "dies": the next DEL of this attachment will')
      assert.ok(Exit.isFailure(exit))
      assert.include(JSON.stringify(exit), text)
      assert.notInclude(JSON.stringify(exit), '"no"')
    })
  )

  it.effect("runs for a change that failed half-way, which may have happened", () =>
    Effect.gen(function* () {
      const { does, done, logger } = notebook()
      const half = Effect.andThen(does("+half"), Effect.fail("boom"))
      const error = yield* revertible("half", half, does("-half")).pipe(
        Effect.scoped,
        Effect.provide(logger),
        Effect.flip
      )
      assert.strictEqual(error, "boom")
      assert.deepStrictEqual(done, ["+half", "-half"])
    })
  )

  it.effect("that hangs times out, and the others run", () =>
    Effect.gen(function* () {
      const { does, done, log, logger } = notebook()
      const fiber = yield* Effect.gen(function* () {
        yield* revertible("a", does("+a"), does("-a"))
        yield* revertible("hangs", does("+hangs"), Effect.never)
        return yield* Effect.fail("boom")
      }).pipe(Effect.scoped, Effect.provide(logger), Effect.flip, Effect.forkChild({ startImmediately: true }))
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(done, ["+a", "+hangs"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "boom")
      assert.deepStrictEqual(done, ["+a", "+hangs", "-a"])
      assert.include(log[0], 'could not undo "hangs"')
    })
  )
})
