/** Runs the model's sequences on a node, prints their number, and shows the shortest failing one. */
import { AssertionError } from "node:assert/strict"
import { assert } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Exit, Schema } from "effect"
import { holds, people, Sequence } from "../../suites/AttachmentModel.ts"
import { type Done, emptied, type Ground, modelNode } from "./ModelNode.ts"

const Case = Schema.Struct({
  everybody: Schema.Literals(["with names of their own", "with names like others'"]),
  sequence: Sequence,
  /** Of the moments at which it is struck. */
  moments: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
})

const { MODEL_RUNS, MODEL_SEED, MODEL_CASE } = process.env
const parsed = Schema.decodeUnknownSync(Schema.fromJsonString(Case))
const shrinks = 25
/** From the first failure, in milliseconds: a failure that waits for a switch would be shortened beyond the test's time. */
const shortening = 120_000

/** `MODEL_RUNS`: number of sequences in each test. */
const runsOf = (usual: number): number => (MODEL_RUNS === undefined ? usual : Number(MODEL_RUNS))
/** A sequence takes seconds, on a busy machine many; a failed one is run repeatedly. */
export const timeoutOf = (usual: number): number => 60_000 + 20_000 * (runsOf(usual) + shrinks)

/** With the difference, which an assertion's message is too short for. */
const shown = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (!(error instanceof Error) || !("actual" in error && "expected" in error)) return Cause.pretty(cause)
  const { actual, expected } = error
  return `${error.message}\n${new AssertionError({ actual, expected, operator: "deepStrictEqual" }).message}`
}

/** `clean` resets the switch, and lets it run. */
export const allHold = Effect.fnUntraced(function* <E>(
  name: string,
  ground: Ground<E> & { readonly clean: Effect.Effect<void, E> },
  netns: string,
  usual: number
) {
  const done: Done = { sequences: 0, calls: 0, restarts: 0, losses: 0 }
  const seed = MODEL_SEED ?? String(Date.now())
  const say = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))
  let firstFailed: number | undefined

  const property = Effect.fnUntraced(function* (one: typeof Case.Type) {
    const { everybody, moments, sequence } = one
    if (firstFailed !== undefined && performance.now() > firstFailed + shortening) return true
    done.sequences++
    const node = yield* modelNode(ground, people[everybody], netns, moments, done)
    const exit = yield* holds(node, sequence).pipe(
      Effect.onError(() => Effect.orDie(Effect.andThen(ground.clean, emptied(ground.directory)))),
      Effect.exit
    )
    if (Exit.isSuccess(exit)) return true
    if (Cause.hasInterrupts(exit.cause)) return yield* Effect.interrupt
    const error = shown(exit.cause)
    // An occasional failure may not occur again while the sequence is shortened.
    if (firstFailed === undefined) {
      firstFailed = performance.now()
      yield* say(`failed with ${caseOf(one)}\n${error}`)
    }
    return yield* Effect.fail(error)
  })

  const result = yield* Arbitrary.checkEffect(
    MODEL_CASE === undefined
      ? Arbitrary.schema(Case)
      : Arbitrary.map(Arbitrary.schema(Schema.Null), () => parsed(MODEL_CASE)),
    property,
    { runs: runsOf(usual), size: 24, maxShrinks: shrinks, seed }
  )
  const { calls, losses, restarts, sequences } = done
  yield* say(
    `${name}, MODEL_SEED=${seed}: ${sequences} sequences, ${calls} calls, ${restarts} restarts, ${losses} losses of the records`
  )
  if (result._tag !== "Passed") assert.fail(explained(result))
})

const caseOf = (one: typeof Case.Type): string => `MODEL_CASE='${JSON.stringify(one).replaceAll("'", "'\\''")}'`

const explained = (result: Arbitrary.CheckResult<typeof Case.Type, string>): string =>
  result._tag === "Falsified" && result.failure._tag === "PropertyError"
    ? `${caseOf(result.shrunkInput)}\n${result.failure.error}`
    : (Arbitrary.formatCheckFailure(result) ?? "")
