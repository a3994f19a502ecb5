/**
 * A VPP's definitions of its messages (*.api.json, installed under share/vpp/api), and the field-by-field comparison
 * with ours. Pure. VPP: src/tools/vppapigen/vppapigen_json.py.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { catalogue, type Entry } from "../../src/vpp/messages/Catalogue.ts"
import type { Layout } from "../../src/vpp/messages/Field.ts"

/** `["u32", "mtu", 4]`; the fourth element names the field with the count. Messages and types end with properties. */
const Described = Schema.Array(Schema.Unknown)

const ApiFile = Schema.Struct({
  types: Schema.Array(Described),
  unions: Schema.Array(Described),
  enums: Schema.Array(Described),
  enumflags: Schema.optionalKey(Schema.Array(Described)),
  aliases: Schema.Record(Schema.String, Schema.Struct({ type: Schema.String, length: Schema.optionalKey(Schema.Int) })),
  messages: Schema.Array(Described)
})
type ApiFile = typeof ApiFile.Type

export const decodeApiFile = Schema.decodeUnknownEffect(Schema.fromJsonString(ApiFile))

interface RawField {
  readonly type: string
  readonly name: string
  readonly length: number | undefined
  readonly countName: string | undefined
}

const rawFields = (described: ReadonlyArray<unknown>): ReadonlyArray<RawField> =>
  described.slice(1).flatMap((field) => {
    if (!Array.isArray(field)) return []
    const [type, name, length, countName]: ReadonlyArray<unknown> = field
    if (!Predicate.isString(type) || !Predicate.isString(name)) return []
    return [
      {
        type,
        name,
        length: Predicate.isNumber(length) ? length : undefined,
        countName: Predicate.isString(countName) ? countName : undefined
      }
    ]
  })

const named = (all: ReadonlyArray<ReadonlyArray<unknown>>, name: string) => all.find(([own]) => own === name)

/** A union has the size of its largest member. */
const sizeOf = (layout: Layout): number => {
  if (typeof layout !== "string") return 0
  const [, base, count] = /^(u8|u16|u32|i32|bool)(?:\[(\d+)\])?$/.exec(layout) ?? []
  const one = base === "u16" ? 2 : base === "u32" || base === "i32" ? 4 : 1
  return one * (count === undefined ? 1 : Number(count))
}

/** In the form of `Field.ts`: aliases and enums resolved, unions as bytes. */
const layoutOfType = (api: ApiFile, type: string): Layout => {
  const [, name] = /^vl_api_(.*)_t$/.exec(type) ?? []
  if (name === undefined) return type
  const alias = api.aliases[name]
  if (alias !== undefined) {
    return alias.length === undefined ? layoutOfType(api, alias.type) : `${alias.type}[${alias.length}]`
  }
  const enumerated = named([...api.enums, ...(api.enumflags ?? [])], name)?.at(-1)
  if (Predicate.hasProperty(enumerated, "enumtype")) return String(enumerated.enumtype)
  const union = named(api.unions, name)
  if (union !== undefined) {
    return `u8[${Math.max(...rawFields(union).map(({ type }) => sizeOf(layoutOfType(api, type))))}]`
  }
  return structOf(api, named(api.types, name) ?? [])
}

type Struct = ReadonlyArray<readonly [string, Layout]>

const structOf = (api: ApiFile, described: ReadonlyArray<unknown>): Struct => {
  const fields = rawFields(described)
  return fields.flatMap(({ countName, length, name, type }): Struct => {
    // A count is described with its elements.
    if (fields.some((other) => other.countName === name)) return []
    const of = layoutOfType(api, type)
    if (type === "string") return [[name, length ? `string[${length}]` : "string[]"]]
    if (countName !== undefined) {
      const countLayout = fields.find((other) => other.name === countName)?.type ?? "nothing"
      return [[name, { of, countName, countLayout }]]
    }
    if (length === undefined) return [[name, of]]
    return [[name, of === "u8" ? `u8[${length}]` : { of, count: length }]]
  })
}

type Comparison =
  | { readonly name: string; readonly verdict: "same" | "missing" }
  | { readonly name: string; readonly verdict: "other CRC" | "other fields"; readonly detail: string }

const compare = (api: ApiFile, { crc, layout, name }: Entry): Comparison => {
  const described = named(api.messages, name)
  if (described === undefined) return { name, verdict: "missing" }
  const properties = described.at(-1)
  const theirs = Predicate.hasProperty(properties, "crc") ? String(properties.crc).replace(/^0x/, "") : "none"
  if (theirs !== crc) return { name, verdict: "other CRC", detail: `${theirs}, ours is ${crc}` }
  const [, ...fields] = structOf(api, described)
  const wanted = JSON.stringify(layout)
  const has = JSON.stringify(fields)
  return has === wanted
    ? { name, verdict: "same" }
    : { name, verdict: "other fields", detail: `${has}, ours: ${wanted}` }
}

/** Compares all our definitions with all of theirs, in any file. */
export const compareAll = (files: ReadonlyArray<ApiFile>): ReadonlyArray<Comparison> => {
  const api: ApiFile = {
    types: files.flatMap(({ types }) => types),
    unions: files.flatMap(({ unions }) => unions),
    enums: files.flatMap(({ enumflags, enums }) => [...enums, ...(enumflags ?? [])]),
    aliases: Object.assign({}, ...files.map(({ aliases }) => aliases)),
    messages: files.flatMap(({ messages }) => messages)
  }
  return catalogue.map((entry) => compare(api, entry))
}
