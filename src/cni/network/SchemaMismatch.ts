/**
 * Schema errors of a configuration: lists every problem with path, value and allowed values. Loaded only for an invalid
 * configuration. Pure.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeFormatterStandardSchemaV1 } from "effect/SchemaIssue"
import type { CniError } from "../types/CniError.ts"
import { redacted } from "../types/Secrets.ts"
import { invalid, type SchemaMismatch } from "./Configuration.ts"
import type { Problem } from "./HostPorts.ts"
import { NetConf } from "./NetConf.ts"

const decodeAll = Schema.decodeUnknownResult(NetConf, { errors: "all" })
const decodeFirst = Schema.decodeUnknownResult(NetConf)

/** Of a long configuration only the first problem is reported: a list of a million VLANs can have a million. */
const decode = (value: SchemaMismatch["value"]) =>
  JSON.stringify(value).length > 64 << 10 ? decodeFirst(value) : decodeAll(value)

export const explain = ({ value }: SchemaMismatch): CniError =>
  invalid(
    Result.match(decode(value), {
      onSuccess: () => [],
      onFailure: ({ issue }) =>
        makeFormatterStandardSchemaV1()(issue).issues.map(({ message, path }) => problem(value, path ?? [], message))
    })
  )

/** Explains a schema mismatch, and returns any other error as it is. */
export const inWords = (error: CniError | SchemaMismatch): CniError =>
  error._tag === "SchemaMismatch" ? explain(error) : error

const wordsFor: Readonly<Record<string, string>> = {
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
  const expected = wordsFor[wanted] ?? wanted
  return value === undefined
    ? { path: name, message: "is missing" }
    : { path: name, message: `${redacted(name, value)} is not ${expected}` }
}
