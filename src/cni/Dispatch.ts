/**
 * What a call asks for: verb, version, environment and input judged by the specification's rules, before any program
 * runs. Pure. CNI specification 1.1.0, sections 2 and 3; the same order of judgement as Go's skeleton.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { CniError } from "./CniError.ts"
import { AnyResult, type CniResult, fromAnyResult } from "./CniResult.ts"
import { type Envelope, readEnvelope } from "./Configuration.ts"
import { type Environment, readEnvironment, type Variables } from "./Environment.ts"
import { ErrorCodes } from "./ErrorCodes.ts"
import { type AttachmentVerb, atLeast, type CniVersion, isSupported, isVerb, newestVersion, verbs } from "./Versions.ts"

export interface Asked {
  readonly verb: AttachmentVerb
  readonly envelope: Envelope
  readonly environment: Environment
  readonly previous: CniResult | undefined
}

/** The version of an answer when the input may be unusable. */
export const answerVersion = (text: string): CniVersion =>
  Result.match(readEnvelope(text), { onFailure: () => newestVersion, onSuccess: ({ version }) => version })

export const judge = (command: string, variables: Variables, text: string): Result.Result<Asked, CniError> => {
  if (!isVerb(command)) return Result.fail(unknownVerb(command))
  if (command === "VERSION" || command === "GC" || command === "STATUS") return Result.fail(notYet(command))
  return Result.flatMap(readEnvironment(command, variables), (environment) =>
    Result.flatMap(readEnvelope(text), (envelope) => {
      const { since } = verbs[command]
      if (!atLeast(envelope.version, since)) return Result.fail(tooOld(command, since, envelope.version))
      return Result.map(readPrevious(command, envelope), (previous) => ({
        verb: command,
        envelope,
        environment,
        previous
      }))
    })
  )
}

const unknownVerb = (command: string) =>
  CniError.of(
    ErrorCodes.BadEnvironment,
    `CNI_COMMAND=${JSON.stringify(command.slice(0, 40))} is not a verb`,
    `Use one of ${Object.keys(verbs).join(", ")}.`
  )

const notYet = (command: string) =>
  CniError.of(
    ErrorCodes.BadEnvironment,
    `CNI_COMMAND=${command} is not served by this release`,
    "Use ADD, DEL, CHECK or VERSION."
  )

const tooOld = (command: string, since: CniVersion, version: CniVersion) =>
  CniError.of(
    ErrorCodes.IncompatibleVersion,
    `CNI_COMMAND=${command} needs cniVersion ${since}, and the network configuration has ${version}`,
    `Set cniVersion to ${since} or newer.`
  )

const decodeResult = Schema.decodeUnknownOption(AnyResult)

/** On ADD and CHECK a `prevResult` that cannot be read is an error; DEL has to work without. */
const readPrevious = (verb: AttachmentVerb, { value }: Envelope): Result.Result<CniResult | undefined, CniError> => {
  const written = value["prevResult"]
  if (written === undefined) return Result.succeed(undefined)
  const decoded = decodeResult(written)
  const version = Option.match(decoded, {
    onNone: () => undefined,
    onSome: ({ cniVersion }) => cniVersion ?? undefined
  })
  if (Option.isSome(decoded) && (version === undefined || isSupported(version))) {
    return Result.succeed(fromAnyResult(decoded.value))
  }
  if (verb === "DEL") return Result.succeed(undefined)
  return Result.fail(
    CniError.of(
      ErrorCodes.DecodingFailure,
      "prevResult: is not a result of the CNI specification",
      "The runtime, or the plugin before this one in the list, gave it: look at its version."
    )
  )
}
