/**
 * From the text on stdin to a configuration that can be acted upon, or one error that lists everything that is wrong:
 * path, value, what is allowed. Codes: 6 for text that is no JSON object, 1 for a version, 2 for a key of ours that
 * nobody knows, 7 for values. CNI specification 1.1.0, sections 1 and 5.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeFormatterStandardSchemaV1 } from "effect/SchemaIssue"
import { CniError } from "./CniError.ts"
import type { CniArgs, Variables } from "./Environment.ts"
import { ErrorCodes } from "./ErrorCodes.ts"
import type { HostPort } from "./HostPort.ts"
import { hostPort, type Problem } from "./HostPorts.ts"
import { settleKeys, type UnknownKey } from "./KnownKeys.ts"
import { NetConf } from "./NetConf.ts"
import { parserSaid, shown } from "./Shown.ts"
import { assumedVersion, type CniVersion, isSupported, supportedVersions } from "./Versions.ts"

export interface Configuration {
  readonly version: CniVersion
  readonly netConf: NetConf
  readonly port: HostPort
  readonly warnings: ReadonlyArray<string>
  /** As it came, for delegates: the specification wants the whole configuration passed on. */
  readonly text: string
}

/** The parts of a configuration that must be known to answer in its version, whatever else is wrong. */
export interface Envelope {
  readonly version: CniVersion
  /** Of the network; empty when there is none to be read. */
  readonly name: string
  /** Our keys in our spelling, empty values left out. */
  readonly value: Readonly<Record<string, unknown>>
  readonly unknown: ReadonlyArray<UnknownKey>
  readonly text: string
}

const cureForText = "Correct the file in the network configuration directory, or the NetworkAttachmentDefinition."

export const readEnvelope = (text: string): Result.Result<Envelope, CniError> => {
  const undecodable = (came: string) =>
    CniError.of(ErrorCodes.DecodingFailure, `the network configuration on stdin ${came}`, cureForText)
  if (text.trim() === "") return Result.fail(undecodable("is empty"))
  return Result.flatMap(
    Result.mapError(
      Result.try(() => JSON.parse(text) as unknown),
      (error) => undecodable(`is not JSON${parserSaid(text, error)}`)
    ),
    (written) => {
      if (!isObject(written)) return Result.fail(undecodable("is not a JSON object"))
      const { unknown, value } = settleKeys(written)
      const { cniVersion: version = assumedVersion, name } = value
      if (typeof version === "string" && isSupported(version)) {
        return Result.succeed({ version, name: typeof name === "string" ? name : "", value, unknown, text })
      }
      return Result.fail(
        CniError.of(
          ErrorCodes.IncompatibleVersion,
          `cniVersion: ${shown("cniVersion", version)} is not supported`,
          `Use one of ${supportedVersions.join(", ")}.`
        )
      )
    }
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const decode = Schema.decodeUnknownResult(NetConf, { errors: "all" })

/** But for `prevResult`, which `Dispatch.ts` judges: on DEL it may be anything. */
export const readConfiguration = (
  { text, unknown, value: { prevResult: _, ...value }, version }: Envelope,
  args: CniArgs,
  variables: Variables
): Result.Result<Configuration, CniError> => {
  if (unknown.length > 0) return Result.fail(unknownKeys(unknown))
  const decoded = decode(value)
  if (Result.isFailure(decoded)) {
    const { issues } = makeFormatterStandardSchemaV1()(decoded.failure.issue)
    return Result.fail(invalid(issues.map(({ message, path }) => problem(value, path ?? [], message))))
  }
  const netConf = decoded.success
  const { port, problems, warnings } = hostPort(netConf, args, variables)
  return problems.length > 0
    ? Result.fail(invalid(problems))
    : Result.succeed({ version, netConf, port, warnings, text })
}

const unknownKeys = (unknown: ReadonlyArray<UnknownKey>): CniError =>
  CniError.of(
    ErrorCodes.UnsupportedField,
    `the network configuration has unknown keys: ${unknown
      .map(
        ({ nearest, path, value }) =>
          `${path}: ${shown(path, value, nearest)}${nearest ? ` (did you mean ${nearest}?)` : ""}`
      )
      .join("; ")}`,
    `${cureForText} All keys are in docs/configuration.md.`
  )

/** Said once: a number that is no integer is in no range of integers either. */
const invalid = (problems: ReadonlyArray<Problem>): CniError =>
  CniError.of(
    ErrorCodes.InvalidConfiguration,
    `the network configuration is not valid: ${[...new Set(problems.map(({ message, path }) => `${path}: ${message}`))].join("; ")}`,
    cureForText
  )

/** Types, as people say them. */
const inWords: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  object: "an object",
  array: "a list"
}

type Path = ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>

/** `Expected "memif" | "vhostuser"` at a path becomes `host.iftype: "vhostuserr" is not memif or vhostuser`. */
const problem = (root: unknown, path: Path, message: string): Problem => {
  const keys = path.map((part) => (typeof part === "object" ? part.key : part))
  const name = keys.map(String).join(".")
  const value = keys.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    root
  )
  const wanted = message
    .replace(/^Expected /, "")
    .replaceAll('"', "")
    .replaceAll(" | ", " or ")
  const expected = inWords[wanted] ?? wanted
  return value === undefined
    ? { path: name, message: "is missing" }
    : { path: name, message: `${shown(name, value)} is not ${expected}` }
}
