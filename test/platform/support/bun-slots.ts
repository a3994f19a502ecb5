/** Runs the suite of `Slots` on bun's layer, under bun, and prints one JSON line a case: its name and what failed. */
import { Cause, Effect } from "effect"
import * as BunSlots from "../../../src/platform/bun/BunSlots.ts"
import { cases } from "../../suites/SlotsSuite.ts"

const report = Effect.forEach(cases, ({ name, run }) =>
  run.pipe(
    Effect.scoped,
    Effect.timeout("20 seconds"),
    Effect.matchCause({
      onFailure: (cause) => ({ name, failure: Cause.pretty(cause) }),
      onSuccess: () => ({ name, failure: null })
    }),
    Effect.tap((line) => Effect.sync(() => process.stdout.write(`${JSON.stringify(line)}\n`)))
  )
)

await Effect.runPromise(Effect.provide(report, BunSlots.layer))
process.exit(0)
