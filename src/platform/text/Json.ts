/** JSON of others, of which nothing is known: what is missing, or is something else, is empty. Pure. */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"

/** Undefined: it is not JSON. */
export const parsed = (text: string): unknown => Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))

export const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  Predicate.isObject(value) ? { ...value } : {}

export const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
