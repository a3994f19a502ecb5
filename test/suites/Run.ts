/** Runs suites on vitest. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it, layer, type Vitest } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import { verdictsIn } from "./Report.ts"
import type { Suite } from "./Suite.ts"

/** All cases on the layer of `test`: the `it.effect` of a `layer`, or the test of `onMachine`. */
export const runOn = <R>(test: Vitest.Test<R | Scope.Scope>, ...suites: ReadonlyArray<Suite<NoInfer<R>>>): void => {
  for (const { cases, subject } of suites) {
    describe(subject, () => {
      for (const { body, sentence } of cases) test(sentence, body)
    })
  }
}

/** Each case on a separate layer. */
export const runEach = <R, E>(live: Layer.Layer<R, E>, ...suites: ReadonlyArray<Suite<NoInfer<R>>>): void => {
  for (const { cases, subject } of suites) {
    describe(subject, () => {
      for (const { body, sentence } of cases) it.live(sentence, () => Effect.provide(body(), Layer.fresh(live)))
    })
  }
}

const bun = join(import.meta.dirname, "../../node_modules/.bin/bun")

const outputOf = (program: string, argument: string) =>
  Effect.callback<{ readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = spawn(bun, [join(import.meta.dirname, "..", program), argument], { timeout: 120_000 })
    const [stdout, stderr]: [Array<Buffer>, Array<Buffer>] = [[], []]
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
    child.on("close", () =>
      resume(Effect.succeed({ stdout: String(Buffer.concat(stdout)), stderr: String(Buffer.concat(stderr)) }))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

class Verdicts extends Context.Service<Verdicts, (subject: string, sentence: string) => string | null>()(
  "userspace-cni/test/Verdicts"
) {}

/**
 * For layers on bun: a program below `test`, which reports the same suites, runs there with the argument. Each of its
 * verdicts becomes a test, and so does a missing one.
 */
export const runUnderBun = (
  program: string,
  suites: ReadonlyArray<Suite<unknown>>,
  argument: Effect.Effect<string, never, Scope.Scope> = Effect.succeed("")
): void => {
  const live = Layer.effect(
    Verdicts,
    Effect.gen(function* () {
      const { stderr, stdout } = yield* Effect.flatMap(argument, (word) => outputOf(program, word))
      const verdicts = verdictsIn(stdout)
      return (subject, sentence) => {
        const verdict = verdicts.find((one) => one.subject === subject && one.sentence === sentence)
        return verdict === undefined ? `did not run: ${stderr}` : verdict.failure
      }
    })
  )
  layer(live, { excludeTestServices: true, timeout: "120 seconds" })("on bun", (it) => {
    for (const { cases, subject } of suites) {
      describe(subject, () => {
        for (const { sentence } of cases) {
          it.effect(sentence, () => Effect.map(Verdicts, (verdict) => assert.isNull(verdict(subject, sentence))))
        }
      })
    }
  })
}
