/**
 * Reads a valid configuration from the text on stdin, or returns one error that lists every problem with path, value
 * and allowed values. Codes: 6 for text that is not a JSON object, 1 for a version, 2 for an unknown key, 7 for values.
 * CNI specification 1.1.0, sections 1 and 5.
 */
import * as Data from "effect/Data"
import { isReadonlyObject } from "effect/Predicate"
import * as Result from "effect/Result"
import { CniError, ErrorCodes } from "../spec/CniError.ts"
import type { CniArgs, Variables } from "../spec/Environment.ts"
import { deepest, isTooDeep } from "../spec/JsonDepth.ts"
import { cut, parserSaid, redacted } from "../spec/Secrets.ts"
import { assumedVersion, type CniVersion, isSupported, supportedVersions } from "../spec/Versions.ts"
import type { HostPort } from "./HostPort.ts"
import { hostPort, type Problem } from "./HostPorts.ts"
import { mistyped, normalizeKeys, type UnknownKey } from "./KnownKeys.ts"
import type { NetConf } from "./NetConf.ts"
import { isNetConf } from "./NetConfGuard.ts"

export interface Configuration {
  readonly version: CniVersion
  readonly netConf: NetConf
  readonly port: HostPort
  readonly warnings: ReadonlyArray<string>
  /** The original text, for delegates: the specification requires the whole configuration. */
  readonly text: string
}

/** The parts of a configuration that are needed for an answer in its version, whatever else is wrong. */
export interface Envelope {
  readonly version: CniVersion
  /** Name of the network; empty when it cannot be read. */
  readonly name: string
  /** The plugin's keys in their own spelling, without empty values. */
  readonly value: Readonly<Record<string, unknown>>
  readonly unknown: ReadonlyArray<UnknownKey>
  readonly text: string
}

/** The parsed stdin, read once for each call. */
export type Reading = Result.Result<Envelope, CniError>

const cureForText = "Correct the file in the network configuration directory, or the NetworkAttachmentDefinition."

export const readEnvelope = (text: string): Reading => {
  const undecodable = (came: string) =>
    CniError.of(ErrorCodes.DecodingFailure, `the network configuration on stdin ${came}`, cureForText)
  if (text.trim() === "") return Result.fail(undecodable("is empty"))
  if (isTooDeep(text)) return Result.fail(undecodable(`is nested deeper than ${deepest}`))
  return Result.flatMap(
    Result.mapError(
      Result.try(() => JSON.parse(text) as unknown),
      (error) => undecodable(`is not JSON${parserSaid(text, error)}`)
    ),
    (written) => {
      if (!isReadonlyObject(written)) return Result.fail(undecodable("is not a JSON object"))
      const { unknown, value } = normalizeKeys(written)
      const { cniVersion: version = assumedVersion, name } = value
      if (typeof version === "string" && isSupported(version)) {
        return Result.succeed({ version, name: typeof name === "string" ? name : "", value, unknown, text })
      }
      return Result.fail(
        CniError.of(
          ErrorCodes.IncompatibleVersion,
          `cniVersion: ${redacted("cniVersion", version)} is not supported`,
          `Use one of ${supportedVersions.join(", ")}.`
        )
      )
    }
  )
}

/** Values that do not fit the schema. `SchemaMismatch.ts` explains which, and is only loaded then. */
export class SchemaMismatch extends Data.TaggedError("SchemaMismatch")<{ readonly value: Envelope["value"] }> {}

/** Validates everything except `prevResult`, which is validated in `Dispatch.ts`: on DEL it may be anything. */
export const readConfiguration = (
  envelope: Envelope,
  args: CniArgs,
  variables: Variables
): Result.Result<Configuration, CniError | SchemaMismatch> =>
  envelope.unknown.length > 0
    ? Result.fail(unknownKeys(envelope.unknown))
    : Result.flatMap(readLeniently(envelope, args, variables), ({ refusal, ...configuration }) =>
        refusal === undefined ? Result.succeed(configuration) : Result.fail(refusal)
      )

/** For DEL of another plugin's attachment, whose plugin may have known, or ignored, what is rejected here. */
export const readLeniently = (
  { text, unknown, value: { prevResult: _, ...value }, version }: Envelope,
  args: CniArgs,
  variables: Variables
): Result.Result<Configuration & { readonly refusal: CniError | undefined }, SchemaMismatch> => {
  if (!isNetConf(value)) return Result.fail(new SchemaMismatch({ value }))
  const { port, problems, warnings } = hostPort(value, args, variables)
  const refusal = unknown.length > 0 ? unknownKeys(unknown) : problems.length > 0 ? invalid(problems) : undefined
  return Result.succeed({ version, netConf: value, port, warnings: [...mistyped(value), ...warnings], text, refusal })
}

const unknownKeys = (unknown: ReadonlyArray<UnknownKey>): CniError =>
  CniError.of(
    ErrorCodes.UnsupportedField,
    `the network configuration has unknown keys: ${listed(
      unknown.map(
        ({ nearest, path, value }) =>
          `${cut(path)}: ${redacted(path, value, nearest)}${nearest ? ` (did you mean ${nearest}?)` : ""}`
      )
    )}`,
    `${cureForText} All keys are in docs/configuration.md.`
  )

/** Lists each problem once: a number that is no integer is also in no range of integers. */
export const invalid = (problems: ReadonlyArray<Problem>): CniError =>
  CniError.of(
    ErrorCodes.InvalidConfiguration,
    `the network configuration is not valid: ${listed([...new Set(problems.map(({ message, path }) => `${path}: ${message}`))])}`,
    cureForText
  )

const mostListed = 20

const listed = (all: ReadonlyArray<string>): string =>
  [...all.slice(0, mostListed), ...(all.length > mostListed ? [`and ${all.length - mostListed} more`] : [])].join("; ")
