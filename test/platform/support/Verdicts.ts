/**
 * Suites under bun: a program runs the cases there and prints a verdict each ({@link report}); a test reads them
 * ({@link verdictsOf}). Loads nothing of the test runner, so that it can be loaded under bun as well.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { Cause, Effect, Schema, type Scope } from "effect"

interface Case {
  readonly name: string
}

interface Runnable<E> extends Case {
  readonly run: Effect.Effect<void, E, Scope.Scope>
}

const Verdict = Schema.fromJsonString(Schema.Struct({ name: Schema.String, failure: Schema.NullOr(Schema.String) }))

/** Prints one JSON line a case: its name and what failed. */
export const report = async <E>(cases: ReadonlyArray<Runnable<E>>): Promise<never> => {
  const all = Effect.forEach(cases, ({ name, run }) =>
    run.pipe(
      Effect.scoped,
      Effect.timeout("20 seconds"),
      Effect.matchCause({
        onFailure: (cause) => ({ name, failure: Cause.pretty(cause) }),
        onSuccess: () => ({ name, failure: null })
      }),
      Effect.tap((verdict) => Effect.sync(() => process.stdout.write(`${JSON.stringify(verdict)}\n`)))
    )
  )
  await Effect.runPromise(all)
  process.exit(0)
}

/** Runs the program under bun; what failed in each case, or null. */
export const verdictsOf = (
  program: string,
  cases: ReadonlyArray<Case>
): ReadonlyArray<readonly [string, string | null]> => {
  const bun = join(import.meta.dirname, "../../../node_modules/.bin/bun")
  const { stderr, stdout } = spawnSync(bun, [join(import.meta.dirname, program)], {
    encoding: "utf8",
    timeout: 120_000
  })
  const lines = stdout.split("\n").filter((line) => line !== "")
  const verdicts = new Map(
    lines.map((line) => Schema.decodeUnknownSync(Verdict)(line)).map(({ failure, name }) => [name, failure])
  )
  return cases.map(({ name }) => [name, verdicts.has(name) ? (verdicts.get(name) ?? null) : `did not run: ${stderr}`])
}
