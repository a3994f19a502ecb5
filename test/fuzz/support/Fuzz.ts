/**
 * Runs a target: a property of input from outside. In `make test`, a few cases; with FUZZ_SECONDS (`make fuzz`), as many
 * as fit into that time. Their seed is a fresh one, or FUZZ_SEED. A finding is printed with it and with the token that
 * replays it (FUZZ_REPLAY), and written to a file that can be moved into the corpus: the files of `corpus/<target>` are
 * cases of every run.
 */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Arbitrary, Cause, Effect, type Scope } from "effect"

export interface Target {
  /** Also the name of its directory in the corpus. */
  readonly name: string
  readonly inputs: Arbitrary.Arbitrary<string>
  /** Fails, or dies, when the property does not hold. */
  readonly property: (input: string) => Effect.Effect<unknown, unknown, Scope.Scope>
  /** Cases in `make test`. */
  readonly runs: number
  /** Binary input: the corpus has it in hexadecimal, and an input has one character for each byte. */
  readonly binary?: boolean
}

/** Deadline of a case, for a busy machine. */
const patience = 60_000

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0)
const replay = process.env["FUZZ_REPLAY"]
const seed = process.env["FUZZ_SEED"] ?? String(Date.now())

/** FUZZ_RUNS: maximum for each target. */
const mostRuns = Number(process.env["FUZZ_RUNS"] ?? Number.MAX_SAFE_INTEGER)

const corpus = join(import.meta.dirname, "../corpus")

/** `<<[*50000>>` in a file is replaced by that many brackets; `#` in it by the number of each. */
const expanded = (text: string): string =>
  text.replaceAll(/<<(.+?)\*(\d+)>>/gs, (_, part: string, times: string) =>
    part.includes("#")
      ? Array.from({ length: Number(times) }, (_, at) => part.replaceAll("#", String(at))).join("")
      : part.repeat(Number(times))
  )

/** Earlier findings, by the name of the file. */
export const kept = ({ binary = false, name }: Target): ReadonlyArray<readonly [file: string, input: string]> => {
  const directory = join(corpus, name)
  if (!Fs.existsSync(directory)) return []
  return Fs.readdirSync(directory).map((file) => {
    const text = Fs.readFileSync(join(directory, file), "utf8")
    return [file, binary ? Buffer.from(expanded(text).replaceAll(/\s/g, ""), "hex").toString("latin1") : expanded(text)]
  })
}

/** Any problem is a failure, which can be shrunk. */
const judged = (target: Target, input: string) =>
  Effect.gen(function* () {
    const began = performance.now()
    yield* target.property(input)
    const took = performance.now() - began
    if (took > patience) return yield* Effect.fail(`took ${took.toFixed(0)} ms`)
    return true
  }).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({ duration: `${patience} millis`, orElse: () => Effect.fail(`no end within ${patience} ms`) }),
    Effect.catchCause((cause) => Effect.fail(Cause.pretty(cause)))
  )

const shortened = (text: string) =>
  text.length > 2_000 ? `${text.slice(0, 2_000)}... (${text.length} characters)` : text

const findingOf = (target: Target, input: string, why: unknown, token: string): string => {
  const text = target.binary === true ? Buffer.from(input, "latin1").toString("hex") : input
  const name = createHash("sha256").update(text).digest("hex").slice(0, 12)
  const file = join(tmpdir(), `finding-${target.name}-${name}`)
  Fs.writeFileSync(file, text)
  return [
    `a finding in ${target.name}, seed ${seed}: ${String(why)}`,
    `input: ${shortened(JSON.stringify(input))}`,
    `again: FUZZ_REPLAY='${token}' npm run fuzz -- ${target.name}`,
    `keep:  cp ${file} test/fuzz/corpus/${target.name}/`
  ].join("\n")
}

const round = Effect.fnUntraced(function* (target: Target, runs: number, seed: string) {
  const result = yield* Arbitrary.checkEffect(target.inputs, (input) => judged(target, input), {
    runs,
    seed,
    ...(replay === undefined ? {} : { replay })
  })
  if (result._tag === "Passed") return runs
  if (result._tag !== "Falsified") return yield* Effect.die(Arbitrary.formatCheckFailure(result))
  const why = result.failure._tag === "PropertyError" ? result.failure.error : "false"
  return yield* Effect.die(findingOf(target, result.shrunkInput, why, result.replay))
})

/** Runs the cases of a target within `share` of the time. Returns their number. */
export const run = Effect.fnUntraced(function* (target: Target, share: number) {
  if (seconds === 0 || replay !== undefined) return yield* round(target, Math.min(target.runs, mostRuns), seed)
  const end = performance.now() + seconds * 1000 * share
  let cases = 0
  for (let turn = 0; performance.now() < end; turn++) cases += yield* round(target, 100, `${seed}/${turn}`)
  return cases
})

export const runKept = (target: Target, input: string) => judged(target, input)

export const isLong = seconds > 0

export const budget = Math.max(300_000, seconds * 2_000)

/** For people: what ran, with which seed. */
export const table = (rows: ReadonlyArray<readonly [name: string, cases: number, seconds: number]>): string => {
  const total = (at: 1 | 2) => rows.reduce((sum, row) => sum + row[at], 0)
  const lines = [...rows, ["all", total(1), total(2)] as const].map(
    ([name, cases, took]) => `${name.padEnd(24)} ${String(cases).padStart(9)} cases ${took.toFixed(1).padStart(8)} s`
  )
  return [`seed ${seed}`, ...lines].join("\n")
}
