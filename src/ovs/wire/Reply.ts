/** The reply to a transaction: one element for each operation, and the places of an error among them. Pure. */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { rejected } from "./Message.ts"
import type { Operation } from "./Operation.ts"
import { Malformed, type Rejected } from "./OvsdbError.ts"

/** `select` returns rows, `insert` the new row's UUID, `mutate` a count, `wait` and `comment` nothing. */
export interface OperationResult {
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

/** Decoded without a schema, as in `Message.ts`. */
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
