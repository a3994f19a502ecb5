/**
 * A suite: the behaviour of a subject, in sentences, on any implementation. `runOn` in `Run.ts` runs it on vitest; a
 * program under bun runs it with `report` in `test/suites/Report.ts`. So nothing of the test runner is loaded here, and
 * suites that run under bun assert with node's own module.
 */
import * as assert from "node:assert/strict"
import { Effect, type Scope } from "effect"

interface Case<R> {
  readonly sentence: string
  readonly body: () => Effect.Effect<void, unknown, R | Scope.Scope>
}

export interface Suite<R> {
  /** The subject of the sentences. */
  readonly subject: string
  readonly cases: ReadonlyArray<Case<R>>
}

export type Test<R> = (sentence: string, body: () => Effect.Effect<unknown, unknown, R | Scope.Scope>) => void

/** `R` is what the suite needs. */
export const suite = <R>(subject: string, define: (test: Test<R>) => void): Suite<R> => {
  const cases = new Map<string, Case<R>>()
  define((sentence, body) => {
    assert.ok(!cases.has(sentence), `${subject} says twice: ${sentence}`)
    cases.set(sentence, { sentence, body: () => Effect.asVoid(body()) })
  })
  assert.ok(cases.size > 0, `${subject} says nothing`)
  return { subject, cases: [...cases.values()] }
}

/** The same suite, with a wrapper of each case. */
export const around = <R>(
  { cases, subject }: Suite<R>,
  f: (body: ReturnType<Case<R>["body"]>) => ReturnType<Case<R>["body"]>
): Suite<R> => ({ subject, cases: cases.map(({ body, sentence }) => ({ sentence, body: () => f(body()) })) })
