/** Runs the suite of `Sockets` on bun's layer, under bun, and prints one JSON line a case: its name and what failed. */
import { Cause, Effect } from "effect"
import * as BunSockets from "../../../src/platform/bun/BunSockets.ts"
import { cases } from "../../suites/SocketsSuite.ts"

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

await Effect.runPromise(Effect.provide(report, BunSockets.layer))
process.exit(0)
