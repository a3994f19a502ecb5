/** Compares and changes OVSDB values, for the database in memory. Pure. RFC 7047, sections 5.1 and 5.2. */
import type {
  Atom,
  Condition,
  MapValue,
  Mutation,
  Row,
  SetValue,
  Value
} from "../../../src/ovs/client/OvsdbMessages.ts"

const isMap = (value: Value): value is MapValue => typeof value === "object" && value[0] === "map"
const isSet = (value: Value): value is SetValue => typeof value === "object" && value[0] === "set"

/** Pairs of a map, elements of a set, or the single value. */
const members = (value: Value): ReadonlyArray<Atom | readonly [Atom, Atom]> =>
  isMap(value) || isSet(value) ? value[1] : [value]

/** Equal members have equal texts. */
const texts = (value: Value): ReadonlySet<string> => new Set(members(value).map((member) => JSON.stringify(member)))

const includes = (whole: Value, part: Value): boolean => {
  const all = texts(whole)
  return [...texts(part)].every((text) => all.has(text))
}

export const equal = (one: Value, other: Value): boolean =>
  texts(one).size === texts(other).size && includes(one, other)

export const holds = (row: Row, [column, comparison, wanted]: Condition): boolean => {
  const value = row[column]
  if (value === undefined) return false
  switch (comparison) {
    case "==":
      return equal(value, wanted)
    case "!=":
      return !equal(value, wanted)
    case "includes":
      return includes(value, wanted)
    case "excludes":
      return members(wanted).every((member) => !texts(value).has(JSON.stringify(member)))
    default:
      return false
  }
}

export const mutated = (value: Value, [, mutator, argument]: Mutation): Value => {
  if (mutator === "+=" || mutator === "-=") {
    const by = typeof argument === "number" ? argument : 0
    return typeof value === "number" ? value + (mutator === "+=" ? by : -by) : value
  }
  if (mutator === "delete") return without(value, argument)
  if (isMap(value) && isMap(argument)) {
    // An insert does not overwrite existing keys.
    const keys = new Set(value[1].map(([key]) => JSON.stringify(key)))
    return normal(["map", [...value[1], ...argument[1].filter(([key]) => !keys.has(JSON.stringify(key)))]])
  }
  return isMap(value) ? value : normal(["set", [...atoms(without(value, argument)), ...atoms(argument)]])
}

const without = (value: Value, argument: Value): Value => {
  const gone = texts(argument)
  if (isMap(value)) {
    const kept = value[1].filter((pair) => !gone.has(JSON.stringify(pair)) && !gone.has(JSON.stringify(pair[0])))
    return ["map", kept]
  }
  return normal(["set", atoms(value).filter((atom) => !gone.has(JSON.stringify(atom)))])
}

/** Elements of a set; none for a map. */
export const atoms = (value: Value): ReadonlyArray<Atom> => (isSet(value) ? value[1] : isMap(value) ? [] : [value])

/** The form that ovsdb-server writes: sorted, and a set of one element as the bare element. */
export const normal = (value: Value): Value => {
  const sorted = <A>(list: ReadonlyArray<A>) => [...list].sort((a, b) => compare(JSON.stringify(a), JSON.stringify(b)))
  if (isMap(value)) return ["map", sorted(value[1])]
  if (!isSet(value)) return value
  const [only] = value[1]
  return value[1].length === 1 && only !== undefined ? only : ["set", sorted(value[1])]
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** Replaces every name of a new row by the row's UUID. */
export const resolved = (value: Value, names: ReadonlyMap<string, string>): Value => {
  const atom = (one: Atom): Atom =>
    typeof one === "object" && one[0] === "named-uuid" ? ["uuid", names.get(one[1]) ?? one[1]] : one
  return isSet(value) ? ["set", value[1].map(atom)] : isMap(value) ? value : atom(value)
}
