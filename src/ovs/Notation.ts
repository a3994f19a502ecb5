/**
 * OVSDB values as they stand in JSON, and as TypeScript reads and writes them. Pure; knows no table.
 * RFC 7047, section 5.1 (Notation).
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

export type Uuid = readonly ["uuid", string]
export type NamedUuid = readonly ["named-uuid", string]
export type Atom = string | number | boolean | Uuid | NamedUuid
export type SetValue = readonly ["set", ReadonlyArray<Atom>]
export type MapValue = readonly ["map", ReadonlyArray<readonly [Atom, Atom]>]
export type Value = Atom | SetValue | MapValue
export type Row = { readonly [column: string]: Value }

export const uuid = (id: string): Uuid => ["uuid", id]
export const named = (name: string): NamedUuid => ["named-uuid", name]
export const set = (atoms: ReadonlyArray<Atom>): SetValue => ["set", atoms]
export const map = (pairs: Readonly<Record<string, string>>): MapValue => ["map", Object.entries(pairs)]

/*
 * Readers of columns. Each takes the wire's shape apart and leaves the judgement to the schema of what is inside: a
 * schema for the shape as well would double what a process of milliseconds has to prepare.
 */

const Text: Schema.Codec<string, unknown> = Schema.String
const Texts: Schema.Codec<Readonly<Record<string, string>>, unknown> = Schema.Record(Schema.String, Schema.String)

/** `["uuid", "..."]`, read as the text of the UUID. */
export const UuidText = Schema.Unknown.pipe(
  Schema.decodeTo(
    Text,
    SchemaTransformation.transform<unknown, unknown>({
      decode: (wire) => inside("uuid", wire),
      encode: (id) => ["uuid", id]
    })
  )
)

/** A set, read as an array. A set of one may also stand as its lone element, and from ovsdb-server always does. */
export const SetOf = <A>(element: Schema.Codec<A, unknown>) =>
  Schema.Unknown.pipe(
    Schema.decodeTo(
      Schema.Array(element),
      SchemaTransformation.transform<ReadonlyArray<unknown>, unknown>({
        decode: elements,
        encode: (all) => (all.length === 1 ? all[0] : ["set", all])
      })
    )
  )

/** A set of none or one, read as the value or `undefined`. */
export const OptionalOf = <A>(element: Schema.Codec<A, unknown>) =>
  Schema.Unknown.pipe(
    Schema.decodeTo(
      Schema.UndefinedOr(element),
      SchemaTransformation.transform<unknown, unknown>({
        decode: (wire) => {
          const all = elements(wire)
          // More than one is left as it is: no element looks so.
          return all.length > 1 ? wire : all[0]
        },
        encode: (value) => (value === undefined ? ["set", []] : value)
      })
    )
  )

/** A map from string to string, as `external_ids`, `options` and `status` are. */
export const StringMap = Schema.Unknown.pipe(
  Schema.decodeTo(
    Texts,
    SchemaTransformation.transform<unknown, unknown>({
      decode: (wire) => {
        const pairs = inside("map", wire)
        return Array.isArray(pairs) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2)
          ? Object.fromEntries(pairs)
          : undefined
      },
      encode: (record) => ["map", Object.entries(Predicate.isObject(record) ? record : {})]
    })
  )
)

/** `undefined`, which no schema here takes, when it is not tagged so. */
const inside = (tag: "uuid" | "set" | "map", wire: unknown): unknown =>
  Array.isArray(wire) && wire.length === 2 && wire[0] === tag ? wire[1] : undefined

const elements = (wire: unknown): ReadonlyArray<unknown> => {
  const set = inside("set", wire)
  return Array.isArray(set) ? set : [wire]
}
