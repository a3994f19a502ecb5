/**
 * OVSDB values as they stand in JSON, and as TypeScript reads and writes them. Pure; knows no table.
 * RFC 7047, section 5.1 (Notation).
 */
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

/** `["uuid", "..."]`, read as the text of the UUID. */
export const UuidText = Schema.Tuple([Schema.Literal("uuid"), Schema.String]).pipe(
  Schema.decodeTo(Schema.String, SchemaTransformation.transform<string, Uuid>({ decode: ([, id]) => id, encode: uuid }))
)

/** A set, read as an array. A set of one may also stand as its lone element, and from ovsdb-server always does. */
export const SetOf = <A, I extends Atom>(element: Schema.Codec<A, I>) =>
  Schema.Union([Schema.Tuple([Schema.Literal("set"), Schema.Array(element)]), element]).pipe(
    Schema.decodeTo(
      Schema.Array(Schema.toType(element)),
      SchemaTransformation.transform<ReadonlyArray<A>, readonly ["set", ReadonlyArray<A>] | A>({
        decode: (wire) => (isSet(wire) ? wire[1] : [wire]),
        encode: (elements) => {
          const [only] = elements
          return elements.length === 1 && only !== undefined ? only : ["set", elements]
        }
      })
    )
  )

/** A set of none or one, read as the value or `undefined`. */
export const OptionalOf = <A, I extends Atom>(element: Schema.Codec<A, I>) =>
  SetOf(element)
    .check(Schema.isMaxLength(1))
    .pipe(
      Schema.decodeTo(
        Schema.UndefinedOr(Schema.toType(element)),
        SchemaTransformation.transform<A | undefined, ReadonlyArray<A>>({
          decode: ([only]) => only,
          encode: (value) => (value === undefined ? [] : [value])
        })
      )
    )

/** A map from string to string, as `external_ids`, `options` and `status` are. */
export const StringMap = Schema.Tuple([
  Schema.Literal("map"),
  Schema.Array(Schema.Tuple([Schema.String, Schema.String]))
]).pipe(
  Schema.decodeTo(
    Schema.Record(Schema.String, Schema.String),
    SchemaTransformation.transform<
      Readonly<Record<string, string>>,
      readonly ["map", ReadonlyArray<readonly [string, string]>]
    >({
      decode: ([, pairs]) => Object.fromEntries(pairs),
      encode: (record) => ["map", Object.entries(record)]
    })
  )
)

const isSet = <A>(wire: readonly ["set", ReadonlyArray<A>] | A): wire is readonly ["set", ReadonlyArray<A>] =>
  Array.isArray(wire) && wire.length === 2 && wire[0] === "set" && Array.isArray(wire[1])
