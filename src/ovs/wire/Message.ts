/** One JSON-RPC message of ovsdb-server, decoded from its text. Pure. RFC 7047, section 4. */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { Malformed, Rejected } from "./OvsdbError.ts"

/** A request or notification has a `method`, a reply has none. */
export interface Message {
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
export const rejected = (at: Rejected["at"], error: unknown): Rejected => {
  const field = (name: "error" | "details") => {
    const value = Predicate.hasProperty(error, name) ? error[name] : undefined
    return Predicate.isString(value) ? value : ""
  }
  return Predicate.isString(error)
    ? new Rejected({ at, error, details: "" })
    : new Rejected({ at, error: field("error") || "an error without a name", details: field("details") })
}

export const excerpt = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
