/**
 * A suite lists what it needs of the machine. If something is missing, its tests are skipped with the reason in the
 * suite's name, so that they are counted as skipped and never as passed.
 */
import { layer, type Vitest } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import { missing, type Need } from "./Machine.ts"

/** One live layer for all tests of a suite, each test in a scope of its own; or all of them skipped. */
export const onMachine =
  <R, E>(wanted: ReadonlyArray<Need>, live: Layer.Layer<R, E>) =>
  (name: string, define: (test: Vitest.Test<R | Scope.Scope>) => void): void => {
    const absent = missing(wanted)
    const title = absent.length === 0 ? name : `${name} [skipped: ${absent.join("; ")}]`
    if (absent.length > 0) process.stderr.write(`${title}\n`)
    layer(live, { excludeTestServices: true })(title, (it) => define(it.effect.skipIf(absent.length > 0)))
  }

export type Each<R> = <E>(name: string, self: () => Effect.Effect<void, E, R | Scope.Scope>, timeout?: number) => void

/**
 * A live layer for each test, so that what a failed one leaves does not affect the next. The test's own processes end
 * before those of the layer: an agent that outlived its node would make the node's directory again.
 */
export const eachOnMachine =
  <R, E>(wanted: ReadonlyArray<Need>, live: Layer.Layer<R, E>) =>
  (name: string, define: (test: Each<R>) => void): void =>
    onMachine(wanted, Layer.empty)(name, (test) =>
      define((title, self, timeout) =>
        test(title, () => Effect.provide(Effect.scoped(self()), Layer.fresh(live)), timeout)
      )
    )
