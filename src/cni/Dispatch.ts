/**
 * Validates a call (verb, version, environment, input) by the rules of the specification, before any program runs. The
 * order is that of Go's skeleton. Pure. CNI specification 1.1.0, sections 2 and 3.
 */
import * as Result from "effect/Result"
import type { Envelope, Reading } from "./network/Configuration.ts"
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

export interface Asked<V extends AttachmentVerb | NetworkVerb = AttachmentVerb> {
  readonly verb: V
  readonly envelope: Envelope
  readonly environment: Environment
  readonly previous: CniResult | undefined
}

export type AnyAsked = Asked | Asked<NetworkVerb>

export const isOfNetwork = (asked: AnyAsked): asked is Asked<NetworkVerb> =>
  asked.verb === "GC" || asked.verb === "STATUS"

/** The version of an answer when the input may be unusable. */
export const answerVersion = (reading: Reading): CniVersion =>
  Result.match(reading, { onFailure: () => newestVersion, onSuccess: ({ version }) => version })

export const judge = (command: string, variables: Variables, reading: Reading): Result.Result<AnyAsked, CniError> => {
  if (!isVerb(command)) return Result.fail(unknownVerb(command))
  switch (command) {
    case "VERSION":
      return Result.fail(answeredBefore)
    case "GC":
    case "STATUS":
      return judgeVerb(command, variables, reading)
    default:
      return judgeVerb(command, variables, reading)
  }
}

export const judgeVerb = <V extends AttachmentVerb | NetworkVerb>(
  verb: V,
  variables: Variables,
  reading: Reading
): Result.Result<Asked<V>, CniError> =>
  Result.flatMap(readEnvironment(verb, variables), (environment) =>
    Result.flatMap(reading, (envelope) => {
      const { since } = verbs[verb]
      if (!atLeast(envelope.version, since)) return Result.fail(tooOld(verb, since, envelope.version))
      return Result.map(readPrevious(verb, envelope), (previous) => ({ verb, envelope, environment, previous }))
    })
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
