/**
 * All that is known of a call, from its environment and its stdin, before any program runs: nothing else reads them.
 * What is wrong is found in the order of Go's skeleton: text, verb, environment, version of the specification,
 * `prevResult`. The configuration is validated when it is asked for, because runtimes expect an error of the sandbox
 * first, and because a DEL may go on with the configuration of its record. Pure. CNI specification 1.1.0, sections 2
 * and 3.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  type Configuration,
  type Envelope,
  type Reading,
  readConfiguration,
  readEnvelope,
  type SchemaMismatch
} from "./network/Configuration.ts"
import { defaultLogOptions, type LogOptions, logOptions } from "./network/LogOptions.ts"
import { defaultStateDir, isAbsolutePath } from "./network/Validators.ts"
import { isAnyResult } from "./types/AnyResultGuard.ts"
import { CniError, ErrorCodes } from "./types/CniError.ts"
import { type CniResult, fromAnyResult } from "./types/CniResult.ts"
import { type Environment, readEnvironment, type Variables } from "./types/Environment.ts"
import {
  type AttachmentVerb,
  atLeast,
  type CniVersion,
  isSupported,
  isVerb,
  type NetworkVerb,
  newestVersion,
  verbs
} from "./types/Versions.ts"

/** Also of a call that is refused: it is answered in a version, with log lines that name it. */
export interface Request {
  /** CNI_COMMAND. */
  readonly command: string
  /** The version of the answer. */
  readonly version: CniVersion
  readonly log: LogOptions
  /** Log fields that identify the call. */
  readonly whose: Readonly<Record<"container" | "netns" | "interface" | "network", string>>
  /** Of the caller's trace, in the form of W3C Trace Context. */
  readonly traceparent: string | undefined
  /** What is asked, or why that is refused. */
  readonly asked: Result.Result<AnyAsked, CniError>
}

export interface Asked<V extends AttachmentVerb | NetworkVerb = AttachmentVerb> {
  readonly verb: V
  readonly envelope: Envelope
  readonly environment: Environment
  readonly previous: CniResult | undefined
  /** Known before validation: an invalid configuration must not hide the records from DEL. */
  readonly stateDir: string
  /** Validated when it is run. */
  readonly configuration: Effect.Effect<Configuration, CniError>
}

export type AnyAsked = Asked | Asked<NetworkVerb>

export const isOfNetwork = (asked: AnyAsked): asked is Asked<NetworkVerb> =>
  asked.verb === "GC" || asked.verb === "STATUS"

export const readRequest = (variables: Variables, stdin: string): Request => {
  const reading = readEnvelope(stdin)
  const envelope = Result.getOrUndefined(reading)
  const command = variables["CNI_COMMAND"] ?? ""
  return {
    command,
    version: envelope?.version ?? newestVersion,
    log: envelope === undefined ? defaultLogOptions : logOptions(envelope.value),
    whose: {
      container: variables["CNI_CONTAINERID"] ?? "",
      netns: variables["CNI_NETNS"] ?? "",
      interface: variables["CNI_IFNAME"] ?? "",
      network: envelope?.name ?? ""
    },
    traceparent: variables["TRACEPARENT"],
    asked: judge(command, variables, reading)
  }
}

const judge = (command: string, variables: Variables, reading: Reading): Result.Result<AnyAsked, CniError> => {
  if (!isVerb(command)) return Result.fail(unknownVerb(command))
  if (command === "VERSION") return Result.fail(answeredBefore)
  return command === "GC" || command === "STATUS"
    ? judgeVerb(command, variables, reading)
    : judgeVerb(command, variables, reading)
}

const judgeVerb = <V extends AttachmentVerb | NetworkVerb>(
  verb: V,
  variables: Variables,
  reading: Reading
): Result.Result<Asked<V>, CniError> =>
  Result.flatMap(readEnvironment(verb, variables), (environment) =>
    Result.flatMap(reading, (envelope) => {
      const { since } = verbs[verb]
      if (!atLeast(envelope.version, since)) return Result.fail(tooOld(verb, since, envelope.version))
      return Result.map(readPrevious(verb, envelope), (previous) => ({
        verb,
        envelope,
        environment,
        previous,
        stateDir: stateDirIn(envelope),
        configuration: configurationIn(envelope, environment)
      }))
    })
  )

/** Where the records are. */
export const stateDirIn = ({ value: { stateDir } }: Envelope): string =>
  isAbsolutePath(stateDir) ? stateDir : defaultStateDir

/** Validates the configuration when it is run. */
export const configurationIn = (
  envelope: Envelope,
  { args, variables }: Pick<Environment, "args" | "variables">
): Effect.Effect<Configuration, CniError> =>
  Effect.suspend(() => spelledOut(readConfiguration(envelope, args, variables)))

/** Explains a schema mismatch; the schema is loaded only then. */
export const spelledOut = <A>(reading: Result.Result<A, CniError | SchemaMismatch>): Effect.Effect<A, CniError> =>
  Effect.catchTag(Effect.fromResult(reading), "SchemaMismatch", (mismatch) =>
    Effect.flatMap(
      Effect.promise(() => import("./network/SchemaMismatch.ts")),
      ({ explain }) => Effect.fail(explain(mismatch))
    )
  )

const unknownVerb = (command: string) =>
  CniError.of(
    ErrorCodes.BadEnvironment,
    `CNI_COMMAND=${JSON.stringify(command.slice(0, 40))} is not a verb`,
    `Use one of ${Object.keys(verbs).join(", ")}.`
  )

/** `VersionProcess.ts` answers VERSION without loading this module. */
const answeredBefore = CniError.of(
  ErrorCodes.BadEnvironment,
  "CNI_COMMAND=VERSION is no call for a network",
  "The executable answers it by itself."
)

const tooOld = (command: string, since: CniVersion, version: CniVersion) =>
  CniError.of(
    ErrorCodes.IncompatibleVersion,
    `CNI_COMMAND=${command} needs cniVersion ${since}, and the network configuration has ${version}`,
    `Set cniVersion to ${since} or newer.`
  )

/** An invalid `prevResult` is an error on ADD and CHECK. DEL must work without it; calls for a network have none. */
const readPrevious = (
  verb: AttachmentVerb | NetworkVerb,
  { value }: Envelope
): Result.Result<CniResult | undefined, CniError> => {
  const written = value["prevResult"]
  if (written === undefined) return Result.succeed(undefined)
  if (isAnyResult(written)) {
    const version = written.cniVersion ?? undefined
    if (version === undefined || isSupported(version)) return Result.succeed(fromAnyResult(written))
  }
  if (verb !== "ADD" && verb !== "CHECK") return Result.succeed(undefined)
  return Result.fail(
    CniError.of(
      ErrorCodes.DecodingFailure,
      "prevResult: is not a result of the CNI specification",
      "Check the version of the runtime, or of the preceding plugin in the list: it provided prevResult."
    )
  )
}
