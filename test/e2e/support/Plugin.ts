/**
 * Calls a CNI plugin exactly as a runtime does: CNI_* environment and nothing inherited, configuration on stdin, answer
 * on stdout. Every call verifies stdout: one JSON document or nothing. CNI specification 1.1.0, sections 2 and 5.
 */
import { strictEqual } from "node:assert/strict"
import { Effect, Schema, type Scope } from "effect"
import { cleanEnvironment, ended, type Outcome, type ProgramError, type Running, type Stdin, start } from "./Program.ts"

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
  /** The caller's working directory. */
  readonly cwd?: string
  /** Run in the mount namespace of this process. */
  readonly within?: number
  /** A program that executes the plugin: its arguments, followed by the plugin's command line. */
  readonly through?: ReadonlyArray<string>
  readonly verb: Verb | (string & {})
  readonly containerId: string
  readonly ifName: string
  readonly netns: string
  /** CNI_PATH. */
  readonly path: string
  readonly args?: string
  readonly stdin: Stdin
  /** Added to or, with undefined, removed from the runtime's variables. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

export interface Answer extends Outcome {
  /** Content of stdout; undefined when it was empty. */
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

/** An agent for the calls: `USERSPACE_AGENT=/path npm run e2e -- FILE` runs a suite through it. */
const agent = process.env["USERSPACE_AGENT"]

/** The runtime's variables, and none that it has inherited. */
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

/** With these words in an error, Multus does not repeat a DEL. */
const givingUp = /no such file or directory/i

/** Verifies an outcome's stdout. */
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

/** A running call, for tests that signal it. */
export const begin = (call: Call): Effect.Effect<Running, ProgramError, Scope.Scope> => {
  const { cwd, plugin, stdin, through = [], within } = call
  const options = { env: environmentOf(call), stdin, ...(cwd === undefined ? {} : { cwd }) }
  const entered = within === undefined ? [] : ["nsenter", `--mount=/proc/${within}/ns/mnt`]
  const [program = plugin, ...args] = [...entered, ...through, plugin]
  return start(program, args, options)
}

/** Runs a call to its end. No runtime waits forever: a call of more than a minute violates its deadlines. */
export const call = (wanted: Call): Effect.Effect<Answer, ProgramError | StdoutBroken> =>
  begin(wanted).pipe(
    Effect.flatMap((running) => ended(running)),
    Effect.flatMap((outcome) => judge(wanted.verb, outcome)),
    Effect.scoped
  )

export const resultOf = (answer: Answer) =>
  answer.status === 0
    ? Schema.decodeUnknownEffect(Result)(answer.document)
    : Effect.die(
        new Error(`exit status ${answer.status ?? answer.signal}: ${answer.stdout} (stderr: ${answer.stderr})`)
      )

/** It must succeed; the failure contains its output. */
export const well = ({ status, stderr, stdout }: Pick<Answer, "status" | "stdout" | "stderr">): void =>
  strictEqual(status, 0, stdout + stderr)

export const errorOf = (answer: Answer) =>
  answer.status !== 0
    ? Schema.decodeUnknownEffect(ErrorDocument)(answer.document)
    : Effect.die(new Error(`it should have failed, and answered ${answer.stdout}`))
