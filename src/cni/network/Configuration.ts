/**
 * Reads a valid configuration from the text on stdin, or returns one error that lists every problem with path, value
 * and allowed values. Codes: 6 for text that is not a JSON object, 1 for a version, 2 for an unknown key, 7 for values.
 * CNI specification 1.1.0, sections 1 and 5.
 */
import * as Data from "effect/Data"
import { isReadonlyObject } from "effect/Predicate"
import * as Result from "effect/Result"
import { CniError, ErrorCodes } from "../types/CniError.ts"
import type { CniArgs, Variables } from "../types/Environment.ts"
import { cut, parserSaid, redacted } from "../types/Secrets.ts"
import { assumedVersion, type CniVersion, isSupported, supportedVersions } from "../types/Versions.ts"
import type { HostPort } from "./HostPort.ts"
import { hostPort, type Problem } from "./HostPorts.ts"
import type { NetConf } from "./NetConf.ts"
import { isNetConf, keys } from "./NetConfGuard.ts"
import { deepest, isTooDeep } from "./Validators.ts"

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

/** Validates everything except `prevResult`, which is validated in `Request.ts`: on DEL it may be anything. */
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

type Json = Readonly<Record<string, unknown>>

interface Section {
  readonly keys: ReadonlyArray<string>
  readonly inner: Readonly<Record<string, Section>>
  /** True: other keys belong to the runtime or to another plugin. */
  readonly open: boolean
}

interface UnknownKey {
  readonly path: string
  readonly value: unknown
  readonly nearest: string | undefined
}

const section = (keys: Section["keys"], inner: Section["inner"] = {}, open = false): Section => ({ keys, inner, open })

const ends = { memif: section(keys.memif), vhost: section(keys.vhost), bridge: section(keys.bridge) }

const top = section(keys.top, { host: section(keys.host, ends), container: section(keys.container, ends) }, true)

/** The configuration with the plugin's keys in their own spelling, without empty values; and the unknown keys. */
const normalizeKeys = (configuration: Json): { readonly value: Json; readonly unknown: ReadonlyArray<UnknownKey> } => {
  const unknown: Array<UnknownKey> = []
  return { value: normalize(configuration, top, "", unknown), unknown }
}

const normalize = (value: Json, known: Section, path: string, unknown: Array<UnknownKey>): Json => {
  const entries: Array<readonly [key: string, value: unknown]> = []
  for (const [written, inner] of Object.entries(value)) {
    const key = known.keys.includes(written) ? written : spelled(written, known, value)
    if (key === undefined) {
      if (known.open) entries.push([written, inner])
      else {
        // No more are reported (Configuration.ts), and there may be thousands.
        const close = unknown.length < 20 ? nearest(written, known.keys) : undefined
        unknown.push({ path: `${path}${written}`, value: inner, nearest: close })
      }
      continue
    }
    if (inner === null || (inner === "" && (known !== top || key !== "name"))) continue
    const section = known.inner[key]
    entries.push([
      key,
      section !== undefined && isReadonlyObject(inner) ? normalize(inner, section, `${path}${key}.`, unknown) : inner
    ])
  }
  return Object.fromEntries(entries)
}

/** Returns a known key that differs only in case, unless it is also present in its own spelling. */
const spelled = (written: string, known: Section, beside: Json): string | undefined => {
  const lower = written.toLowerCase()
  return known.keys.find((key) => key.length === lower.length && key.toLowerCase() === lower && !(key in beside))
}

/** Similar keys that are not typing errors: of CNI 1.1.0's lists, and of others. */
const foreign = ["cniVersions", "containers"]

/** Warns about top-level keys one or two letters from a known one. Short ones are excluded: `vhost` is not `host`. */
const mistyped = (normalized: Json): ReadonlyArray<string> =>
  Object.keys(normalized)
    .filter((key) => !top.keys.includes(key) && !foreign.includes(key))
    .slice(0, 20)
    .flatMap((key) => {
      const ours = nearest(key, top.keys)
      const allowed = ours === undefined ? 0 : ours === "ipam" ? 1 : ours.length < 6 ? 0 : 2
      return ours !== undefined && editDistance(key.toLowerCase(), ours.toLowerCase()) <= allowed
        ? [`${JSON.stringify(key)} is not a key of this plugin and is ignored: did you mean ${ours}?`]
        : []
    })

const nearest = (written: string, keys: ReadonlyArray<string>): string | undefined => {
  // All keys of the plugin are less than half as long.
  if (written.length > 40) return undefined
  const ranked = keys
    .map((key) => ({ key, distance: editDistance(written.toLowerCase(), key.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return ranked !== undefined && ranked.distance <= Math.max(2, ranked.key.length / 3) ? ranked.key : undefined
}

/** Levenshtein distance: insertions, deletions and substitutions from one word to the other. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
