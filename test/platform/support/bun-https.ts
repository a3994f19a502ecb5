/** Runs the suite of `Https` on bun's layer, under bun, and prints one JSON line a case: its name and what failed. */
import { Cause, Effect, Schema } from "effect"
import * as BunHttps from "../../../src/platform/bun/BunHttps.ts"
import { cases } from "../../suites/HttpsSuite.ts"
import { Ports } from "./HttpsPeer.ts"

const ports = Schema.decodeUnknownSync(Schema.fromJsonString(Ports))(process.argv[2])

const report = Effect.forEach(cases, ({ name, run }) =>
  run(ports).pipe(
    Effect.timeout("20 seconds"),
    Effect.matchCause({
      onFailure: (cause) => ({ name, failure: Cause.pretty(cause) }),
      onSuccess: () => ({ name, failure: null })
    }),
    Effect.tap((line) => Effect.sync(() => process.stdout.write(`${JSON.stringify(line)}\n`)))
  )
)

await Effect.runPromise(Effect.provide(report, BunHttps.layer))
process.exit(0)
