/**
 * OVSDB values in JSON, with their decoders and encoders, and the operations of a transaction. Pure; knows no table.
 * RFC 7047, sections 5.1 (Notation) and 5.2.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

type Uuid = readonly ["uuid", string]
type NamedUuid = readonly ["named-uuid", string]
export type Reference = Uuid | NamedUuid
export type Atom = string | number | boolean | Reference
export type SetValue = readonly ["set", ReadonlyArray<Atom>]
export type MapValue = readonly ["map", ReadonlyArray<readonly [Atom, Atom]>]
export type Value = Atom | SetValue | MapValue
export type Row = { readonly [column: string]: Value }

export const uuid = (id: string): Uuid => ["uuid", id]
export const named = (name: string): NamedUuid => ["named-uuid", name]
export const set = (atoms: ReadonlyArray<Atom>): SetValue => ["set", atoms]
export const map = (pairs: Readonly<Record<string, string>>): MapValue => ["map", Object.entries(pairs)]

type Comparison = "==" | "!=" | "includes" | "excludes" | "<" | "<=" | ">" | ">="
export type Condition = readonly [column: string, comparison: Comparison, value: Value]
export type Mutation = readonly [column: string, mutator: "+=" | "-=" | "insert" | "delete", value: Value]

export type Operation =
  | {
      readonly op: "select"
      readonly table: string
      readonly where: ReadonlyArray<Condition>
      readonly columns: ReadonlyArray<string>
    }
  | { readonly op: "insert"; readonly table: string; readonly row: Row; readonly "uuid-name"?: string }
  | {
      readonly op: "mutate"
      readonly table: string
      readonly where: ReadonlyArray<Condition>
      readonly mutations: ReadonlyArray<Mutation>
    }
  | {
      readonly op: "wait"
      readonly table: string
      readonly where: ReadonlyArray<Condition>
      readonly columns: ReadonlyArray<string>
      readonly until: "==" | "!="
      readonly rows: ReadonlyArray<Row>
      /** Milliseconds. 0: the condition must hold now, or the transaction fails with `timed out`. */
      readonly timeout: number
    }
  | { readonly op: "comment"; readonly comment: string }

/** Whether the transaction can change the database. */
export const changes = (operations: ReadonlyArray<Operation>): boolean =>
  operations.some(({ op }) => op === "insert" || op === "mutate")

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

/** `wanted`: the only keys that are returned. */
const mapOf = <A>(
  name: string,
  is: (value: unknown) => value is A,
  wanted?: ReadonlySet<string>
): Kind<Readonly<Record<string, A>>> => {
  const isPair = (pair: unknown): pair is readonly [string, A] =>
    Array.isArray(pair) && pair.length === 2 && Predicate.isString(pair[0]) && is(pair[1])
  return {
    name: `a map from string to ${name}`,
    empty: {},
    read: (wire) => {
      const all = inside("map", wire)
      if (!Array.isArray(all)) return Option.none()
      // Of ninety counters a port, most are not wanted.
      const pairs = wanted === undefined ? all : all.filter((pair) => !Array.isArray(pair) || wanted.has(pair[0]))
      return pairs.every(isPair) ? Option.some(Object.fromEntries(pairs)) : Option.none()
    }
  }
}

/** Such as `external_ids`, `options` and `status`. */
export const strings = mapOf("string", Predicate.isString)

/**
 * Only these of such a map as `statistics`: ovs-vswitchd counts ninety things of a port, and a node has hundreds of
 * ports. Counters of 64 bits: those above 2^53 are rounded.
 */
export const numbersNamed = (names: ReadonlySet<string>) => mapOf("number", Predicate.isNumber, names)

/** Returns the tagged value, or `undefined`, which no decoder accepts. */
const inside = (tag: "uuid" | "set" | "map", wire: unknown): unknown =>
  Array.isArray(wire) && wire.length === 2 && wire[0] === tag ? wire[1] : undefined

const elements = (wire: unknown): ReadonlyArray<unknown> => {
  const all = inside("set", wire)
  return Array.isArray(all) ? all : [wire]
}
