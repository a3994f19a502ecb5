/**
 * JSON-RPC messages of ovsdb-server, decoded from their text, and the reply to a transaction: one element for each
 * operation, and the places of an error among them. Pure. RFC 7047, section 4.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Operation } from "./Notation.ts"
import { Malformed, Rejected } from "./OvsdbError.ts"

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
