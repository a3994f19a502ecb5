/**
 * Calls a CNI plugin exactly as a runtime does: CNI_* environment and nothing inherited, configuration on stdin, answer
 * on stdout. Every call checks the promise about stdout: one JSON document or nothing, never anything beside it.
 * CNI specification 1.1.0, sections 2 and 5.
 */
import { strictEqual } from "node:assert/strict"
import { Effect, Schema, type Scope } from "effect"
import { cleanEnvironment, type Outcome, type ProgramError, type Running, type Stdin, start } from "./Program.ts"

export class StdoutBroken extends Schema.TaggedError<StdoutBroken>()("StdoutBroken", {
  verb: Schema.String,
  stdout: Schema.String,
  stderr: Schema.String
}) {
  override get message(): string {
    return `${this.verb}: stdout is neither empty nor one JSON document: ${JSON.stringify(this.stdout)} (stderr: ${this.stderr})`
  }
}

export type Verb = "ADD" | "DEL" | "CHECK" | "VERSION" | "GC" | "STATUS"

export interface Call {
  /** The executable. */
  readonly plugin: string
  /** Where the caller stands. */
  readonly cwd?: string
  /** Run in the mount namespace of this process. */
  readonly within?: number
  /** A program with its arguments that becomes the plugin: what follows them on its command line. */
  readonly through?: ReadonlyArray<string>
  readonly verb: Verb | (string & {})
  readonly containerId: string
  readonly ifName: string
  readonly netns: string
  /** CNI_PATH. */
  readonly path: string
  readonly args?: string
  readonly stdin: Stdin
  /** Added to or, with undefined, taken from what a runtime passes. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

export interface Answer extends Outcome {
  /** What stdout held; undefined when it was empty. */
  readonly document: unknown
}

export const ErrorDocument = Schema.Struct({
  cniVersion: Schema.String,
  code: Schema.Int,
  msg: Schema.NonEmptyString,
  details: Schema.optionalKey(Schema.String)
})
export type ErrorDocument = typeof ErrorDocument.Type

export const Result = Schema.Struct({
  cniVersion: Schema.String,
  interfaces: Schema.Array(
    Schema.Struct({ name: Schema.String, mac: Schema.String, sandbox: Schema.optionalKey(Schema.String) })
  ),
  ips: Schema.Array(
    Schema.Struct({
      address: Schema.String,
      gateway: Schema.optionalKey(Schema.String),
      interface: Schema.optionalKey(Schema.Int)
    })
  )
})
export type Result = typeof Result.Type

/** An agent that calls are handed over to: `USERSPACE_AGENT=/path npm run e2e -- FILE` runs a suite through it. */
const agent = process.env["USERSPACE_AGENT"]

/** What a runtime passes, and nothing that it has inherited. */
export const environmentOf = (call: Call): Record<string, string> => {
  const all: Record<string, string | undefined> = {
    ...cleanEnvironment,
    USERSPACE_AGENT: agent,
    CNI_COMMAND: call.verb,
    CNI_CONTAINERID: call.containerId,
    CNI_IFNAME: call.ifName,
    CNI_NETNS: call.netns,
    CNI_PATH: call.path,
    CNI_ARGS: call.args ?? "IgnoreUnknown=1",
    ...call.environment
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

const parse = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Json))

/** With these in an error, Multus does not repeat a DEL. */
const givingUp = /no such file or directory/i

/** Holds an outcome to the promises about stdout. */
export const judge = (verb: Call["verb"], outcome: Outcome): Effect.Effect<Answer, StdoutBroken> => {
  if (givingUp.test(outcome.stdout)) {
    return new StdoutBroken({ verb, stdout: outcome.stdout, stderr: "words by which Multus gives up" })
  }
  if (outcome.stdout === "") return Effect.succeed({ ...outcome, document: undefined })
  const document = parse(outcome.stdout)
  return document._tag === "Success"
    ? Effect.succeed({ ...outcome, document: document.success })
    : new StdoutBroken({ verb, stdout: outcome.stdout, stderr: outcome.stderr })
}

/** A call under way, for tests that signal it. */
export const begin = (call: Call): Effect.Effect<Running, ProgramError, Scope.Scope> => {
  const { cwd, plugin, stdin, through = [], within } = call
  const options = { env: environmentOf(call), stdin, ...(cwd === undefined ? {} : { cwd }) }
  const entered = within === undefined ? [] : ["nsenter", `--mount=/proc/${within}/ns/mnt`]
  const [program = plugin, ...args] = [...entered, ...through, plugin]
  return start(program, args, options)
}

/** A call to its end. No runtime waits for ever: one that takes more than a minute has failed its promise of deadlines. */
export const call = (wanted: Call): Effect.Effect<Answer, ProgramError | StdoutBroken> =>
  begin(wanted).pipe(
    Effect.flatMap((running) => running.outcome),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () => Effect.die(new Error(`${wanted.verb} was still running after 60 seconds`))
    }),
    Effect.flatMap((outcome) => judge(wanted.verb, outcome)),
    Effect.scoped
  )

export const resultOf = (answer: Answer) =>
  answer.status === 0
    ? Schema.decodeUnknownEffect(Result)(answer.document)
    : Effect.die(
        new Error(`exit status ${answer.status ?? answer.signal}: ${answer.stdout} (stderr: ${answer.stderr})`)
      )

/** It succeeded; if not, what it said is in the failure. */
export const well = ({ status, stderr, stdout }: Pick<Answer, "status" | "stdout" | "stderr">): void =>
  strictEqual(status, 0, stdout + stderr)

export const errorOf = (answer: Answer) =>
  answer.status !== 0
    ? Schema.decodeUnknownEffect(ErrorDocument)(answer.document)
    : Effect.die(new Error(`it should have failed, and answered ${answer.stdout}`))
