/** OVSDB values in JSON, and their decoders and encoders. Pure; knows no table. RFC 7047, section 5.1 (Notation). */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

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

/** A decoder of a column. Schemas for all tables cost a process 3 ms, a tenth of its run time (docs/performance.md). */
export interface Kind<A> {
  /** For messages: `a set of integers`. */
  readonly name: string
  /** A placeholder when there is no value to read. */
  readonly empty: A
  readonly read: (wire: unknown) => Option.Option<A>
}

export const text: Kind<string> = { name: "a string", empty: "", read: Option.liftPredicate(Predicate.isString) }

const isInteger = (wire: unknown): wire is number => Number.isSafeInteger(wire)

export const integer: Kind<number> = { name: "an integer", empty: 0, read: Option.liftPredicate(isInteger) }

export const boolean: Kind<boolean> = {
  name: "a boolean",
  empty: false,
  read: Option.liftPredicate(Predicate.isBoolean)
}

/** `["uuid", "..."]`, decoded to the UUID's text. */
export const reference: Kind<string> = { name: "a UUID", empty: "", read: (wire) => text.read(inside("uuid", wire)) }

/** A set, decoded to an array. A set of one element may also be the bare element; ovsdb-server always writes it so. */
export const setOf = <A>(kind: Kind<A>): Kind<ReadonlyArray<A>> => ({
  name: `a set, of each ${kind.name}`,
  empty: [],
  read: (wire) => Option.all(elements(wire).map(kind.read))
})

/** A set of zero or one element, decoded to the value or `undefined`. */
export const optional = <A>(kind: Kind<A>): Kind<A | undefined> => ({
  name: `${kind.name} or an empty set`,
  empty: undefined,
  read: (wire) => {
    const all = elements(wire)
    if (all.length === 0) return Option.some(undefined)
    return all.length === 1 ? kind.read(all[0]) : Option.none()
  }
})

/** A map from string to string, such as `external_ids`, `options` and `status`. */
export const strings: Kind<Readonly<Record<string, string>>> = {
  name: "a map from string to string",
  empty: {},
  read: (wire) => {
    const pairs = inside("map", wire)
    return Array.isArray(pairs) && pairs.every(isPairOfStrings) ? Option.some(Object.fromEntries(pairs)) : Option.none()
  }
}

/** A map from string to a number, as `statistics` is. Counters of 64 bits: those above 2^53 are rounded. */
export const numbers: Kind<Readonly<Record<string, number>>> = {
  name: "a map from string to number",
  empty: {},
  read: (wire) => {
    const pairs = inside("map", wire)
    return Array.isArray(pairs) && pairs.every(isCount) ? Option.some(Object.fromEntries(pairs)) : Option.none()
  }
}

/** Only these of such a map: ovs-vswitchd counts ninety things of a port, and a node has hundreds of ports. */
export const numbersNamed = (names: ReadonlySet<string>): Kind<Readonly<Record<string, number>>> => ({
  ...numbers,
  read: (wire) => {
    const pairs = inside("map", wire)
    if (!Array.isArray(pairs)) return Option.none()
    const found: Record<string, number> = {}
    for (const pair of pairs) {
      if (!isCount(pair)) return Option.none()
      if (names.has(pair[0])) found[pair[0]] = pair[1]
    }
    return Option.some(found)
  }
})

const isCount = (pair: unknown): pair is readonly [string, number] =>
  Array.isArray(pair) && pair.length === 2 && Predicate.isString(pair[0]) && Predicate.isNumber(pair[1])

const isPairOfStrings = (pair: unknown): pair is readonly [string, string] =>
  Array.isArray(pair) && pair.length === 2 && pair.every(Predicate.isString)

/** Returns the tagged value, or `undefined`, which no decoder accepts. */
const inside = (tag: "uuid" | "set" | "map", wire: unknown): unknown =>
  Array.isArray(wire) && wire.length === 2 && wire[0] === tag ? wire[1] : undefined

const elements = (wire: unknown): ReadonlyArray<unknown> => {
  const all = inside("set", wire)
  return Array.isArray(all) ? all : [wire]
}
