/** One JSON-RPC message of ovsdb-server, decoded from its text. Pure. RFC 7047, section 4. */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Malformed, Rejected } from "./OvsdbError.ts"

const Message = Schema.Struct({
  id: Schema.optionalKey(Schema.Unknown),
  method: Schema.optionalKey(Schema.String),
  params: Schema.optionalKey(Schema.Unknown),
  result: Schema.optionalKey(Schema.Unknown),
  error: Schema.optionalKey(Schema.Unknown)
})
export type Message = typeof Message.Type

const decodeMessage = Schema.decodeUnknownResult(Schema.fromJsonString(Message))

export const decode = (text: string): Result.Result<Message, Malformed> =>
  Result.mapError(decodeMessage(text), () => new Malformed({ detail: `received ${excerpt(text)}` }))

/** `error` is null or absent when all is well; an unknown method or database fails the whole reply. */
export const answer = ({ result, error }: Message): Result.Result<unknown, Rejected> =>
  Predicate.isNullish(error) ? Result.succeed(result) : Result.fail(rejected("call", error))

/** An `<error>` object (section 5.1), or the bare string that some whole replies carry. */
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
