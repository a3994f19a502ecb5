/**
 * OVSDB in JSON: values with their decoders and encoders, the operations of a transaction, and the messages about them:
 * the byte stream of ovsdb-server split into JSON texts, and the reply with one element for each operation, and the
 * places of an error among them. Pure; knows no table. RFC 7047, sections 4 and 5.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { append } from "../../platform/text/Pieces.ts"
import { Malformed, Rejected } from "./OvsdbError.ts"

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

/** `select` returns rows, `insert` the new row's UUID, `mutate` a count, `wait` and `comment` nothing. */
interface OperationResult {
  readonly rows: ReadonlyArray<unknown> | undefined
  readonly uuid: string | undefined
  readonly count: number | undefined
}

export type TransactResult = ReadonlyArray<OperationResult>

/**
 * RFC 7047, section 4.1.3: the operation that failed has an `<error>` in its place, and null follows for later ones. If
 * all succeeded and the commit failed, there is one more element than operations, and the others are normal results.
 */
export const judge = (
  operations: ReadonlyArray<Operation>,
  result: unknown
): Result.Result<TransactResult, Rejected | Malformed> => {
  if (!Array.isArray(result))
    return Result.fail(new Malformed({ detail: "the result of a transaction is not an array" }))
  const at = result.findIndex((element) => Predicate.hasProperty(element, "error"))
  if (at >= 0) return Result.fail(rejected(at < operations.length ? at : "commit", result[at]))
  if (result.length !== operations.length) {
    return Result.fail(new Malformed({ detail: `${result.length} results for ${operations.length} operations` }))
  }
  const results = result.map(read)
  const odd = results.findIndex(
    (one, index) => !Predicate.isObject(result[index]) || !answers(operations[index]?.op, one)
  )
  return odd < 0
    ? Result.succeed(results)
    : Result.fail(new Malformed({ detail: `result ${odd} is none of operation ${operations[odd]?.op}` }))
}

/** Without a schema, as in {@link decode}. */
const read = (one: unknown): OperationResult => {
  const { count, rows, uuid }: Readonly<Record<string, unknown>> = Predicate.isObject(one) ? { ...one } : {}
  return {
    rows: Array.isArray(rows) ? rows : undefined,
    uuid: Array.isArray(uuid) && uuid[0] === "uuid" && Predicate.isString(uuid[1]) ? uuid[1] : undefined,
    count: Predicate.isNumber(count) ? count : undefined
  }
}

const answers = (op: Operation["op"] | undefined, { count, rows: selected, uuid }: OperationResult): boolean => {
  switch (op) {
    case "select":
      return selected !== undefined
    case "insert":
      return uuid !== undefined
    case "mutate":
      return count !== undefined
    default:
      return true
  }
}

/** Returns the rows that the operation at `index` selected, decoded by their table. */
export const rows = <Row>(
  read: (wire: unknown) => Result.Result<Row, string>,
  results: TransactResult,
  index: number
): Result.Result<ReadonlyArray<Row>, Malformed> => {
  const selected = results[index]?.rows
  return Result.mapError(
    selected === undefined ? Result.fail("none were selected") : Result.all(selected.map(read)),
    (wrong) => new Malformed({ detail: `rows of operation ${index}: ${wrong}` })
  )
}

/** A request or notification has a `method`, a reply has none. */
interface Message {
  readonly id: unknown
  readonly method: string | undefined
  readonly params: unknown
  readonly result: unknown
  readonly error: unknown
}

/**
 * Decoded without a schema: that costs more than half a millisecond at the first message of every process, and explains
 * no more.
 */
export const decode = (text: string): Result.Result<Message, Malformed> => {
  const parsed = Result.try((): unknown => JSON.parse(text))
  const value = Result.isSuccess(parsed) ? parsed.success : undefined
  if (!Predicate.isObject(value) || Array.isArray(value)) return refused(text)
  const { error, id, method, params, result }: Readonly<Record<string, unknown>> = { ...value }
  return method === undefined || Predicate.isString(method)
    ? Result.succeed({ id, method, params, result, error })
    : refused(text)
}

const refused = (text: string) => Result.fail(new Malformed({ detail: `received ${excerpt(text)}` }))

/** `error` is null or absent on success; an unknown method or database fails the whole reply. */
export const answer = ({ result, error }: Message): Result.Result<unknown, Rejected> =>
  Predicate.isNullish(error) ? Result.succeed(result) : Result.fail(rejected("call", error))

/** An `<error>` object (section 5.1), or the bare string of some failed replies. */
const rejected = (at: Rejected["at"], error: unknown): Rejected => {
  const field = (name: "error" | "details") => {
    const value = Predicate.hasProperty(error, name) ? error[name] : undefined
    return Predicate.isString(value) ? value : ""
  }
  return Predicate.isString(error)
    ? new Rejected({ at, error, details: "" })
    : new Rejected({ at, error: field("error") || "an error without a name", details: field("details") })
}

const excerpt = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)

/**
 * OVSDB has no framing: messages are objects, one after another, with or without white space between. Only brackets and
 * strings are counted, byte by byte: no byte of a UTF-8 sequence looks like one of them, so a character may be split
 * anywhere. The caller parses the texts.
 */
interface Splitter {
  /** Pieces of the incomplete text, and their total length in bytes. */
  readonly begun: ReadonlyArray<Uint8Array>
  readonly length: number
  /** Open brackets at the end of `begun`. */
  readonly depth: number
  readonly inString: boolean
  readonly escaped: boolean
  /** Maximum length of one text in bytes. */
  readonly limit: number
}

interface Split {
  readonly splitter: Splitter
  readonly texts: ReadonlyArray<string>
}

/** Why the stream is invalid. The next message cannot be found after either. */
type SplitFailure =
  | { readonly _tag: "TooLong"; readonly limit: number }
  | { readonly _tag: "NotJson"; readonly byte: number }
  | { readonly _tag: "NotUtf8" }

export const newSplitter = (limit: number): Splitter => ({
  begun: [],
  length: 0,
  depth: 0,
  inString: false,
  escaped: false,
  limit
})

const quote = 0x22
const backslash = 0x5c
const opens = (byte: number) => byte === 0x7b || byte === 0x5b
const closes = (byte: number) => byte === 0x7d || byte === 0x5d
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

export const split = (splitter: Splitter, chunk: Uint8Array): Result.Result<Split, SplitFailure> => {
  const texts: Array<string> = []
  let { begun, length, depth, inString, escaped } = splitter
  let start = 0
  const end = chunk.length
  for (let at = 0; at < end; at++) {
    let byte = chunk[at] ?? 0
    if (inString) {
      if (escaped) {
        escaped = false
        continue
      }
      // Most bytes of an answer are in strings.
      while (byte !== quote && byte !== backslash && ++at < end) byte = chunk[at] ?? 0
      escaped = byte === backslash
      inString = byte !== quote
    } else if (depth > 0 && byte === quote) inString = true
    else if (opens(byte)) {
      if (depth === 0) start = at
      depth++
    } else if (depth === 0) {
      if (!isSpace(byte)) return Result.fail({ _tag: "NotJson", byte })
    } else if (closes(byte) && --depth === 0) {
      length += at + 1 - start
      if (length > splitter.limit) return Result.fail({ _tag: "TooLong", limit: splitter.limit })
      const text = decoded([...begun, chunk.subarray(start, at + 1)])
      if (Result.isFailure(text)) return Result.fail(text.failure)
      texts.push(text.success)
      begun = []
      length = 0
    }
  }
  if (depth > 0) {
    length += chunk.length - start
    if (length > splitter.limit) return Result.fail({ _tag: "TooLong", limit: splitter.limit })
    begun = append(begun, chunk.subarray(start))
  }
  return Result.succeed({ splitter: { ...splitter, begun, length, depth, inString, escaped }, texts })
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

const decoded = (pieces: ReadonlyArray<Uint8Array>): Result.Result<string, SplitFailure> => {
  const [only] = pieces
  const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
  return Result.mapError(
    Result.try(() => utf8.decode(bytes)),
    () => ({ _tag: "NotUtf8" })
  )
}

export const splitFailureInWords = (failure: SplitFailure): string => {
  switch (failure._tag) {
    case "TooLong":
      return `a message of more than ${failure.limit} bytes`
    case "NotJson":
      return `byte 0x${failure.byte.toString(16).padStart(2, "0")} between messages`
    case "NotUtf8":
      return "a message that is not UTF-8"
  }
}
