/**
 * Mutated input from outside: no crash, no hang, an error with a code for everything that is refused, nothing written
 * outside the configured directories. `make fuzz` runs the same for longer.
 */
import { afterAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { budget, isLong, kept, run, runKept, table } from "./support/Fuzz.ts"
import { targets } from "./Targets.ts"

const done: Array<readonly [name: string, cases: number, seconds: number]> = []

for (const target of targets) {
  describe(target.name, () => {
    for (const [file, input] of kept(target)) it.live(`found before: ${file}`, () => runKept(target, input))

    it.live(
      "mutated input",
      () =>
        Effect.gen(function* () {
          const began = performance.now()
          const cases = yield* run(target, 1 / targets.length)
          done.push([target.name, cases, (performance.now() - began) / 1000])
        }),
      budget
    )
  })
}

afterAll(() => {
  if (isLong) process.stdout.write(`\n${table(done)}\n`)
})
