/** Runs suites without vitest, under bun, and prints the verdicts; `runUnderBun` in `Run.ts` reads them. */
import { Cause, Effect, Layer, Schema } from "effect"
import type { Suite } from "./Suite.ts"

const Verdict = Schema.fromJsonString(
  Schema.Struct({ subject: Schema.String, sentence: Schema.String, failure: Schema.NullOr(Schema.String) })
)

export const verdictsIn = (stdout: string): ReadonlyArray<typeof Verdict.Type> =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Schema.decodeUnknownSync(Verdict)(line))

/** Each case on a separate layer, with a deadline; one line for each. */
export const report = async <R, E>(
  live: Layer.Layer<R, E>,
  ...suites: ReadonlyArray<Suite<NoInfer<R>>>
): Promise<never> => {
  const cases = suites.flatMap(({ cases, subject }) => cases.map((one) => ({ ...one, subject })))
  const all = Effect.forEach(cases, ({ body, sentence, subject }) =>
    Effect.suspend(body).pipe(
      Effect.provide(Layer.fresh(live)),
      Effect.scoped,
      Effect.timeout("1 minute"),
      Effect.matchCause({ onFailure: Cause.pretty, onSuccess: () => null }),
      Effect.flatMap((failure) => Schema.encodeEffect(Verdict)({ subject, sentence, failure })),
      Effect.tap((line) => Effect.sync(() => process.stdout.write(`${line}\n`)))
    )
  )
  await Effect.runPromise(all)
  process.exit(0)
}
