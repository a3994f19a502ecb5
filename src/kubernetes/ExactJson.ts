/**
 * JSON that is written back unchanged: a number keeps its text where JavaScript would change it (`9223372036854775807`,
 * a possible `tolerationSeconds`), so that writing a pod changes nothing else. ECMAScript: JSON.rawJSON.
 */
import * as Result from "effect/Result"

declare global {
  interface JSON {
    rawJSON(text: string): unknown
  }
}

const keepNumbers = (_: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  typeof value === "number" && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value

export const parse = (text: string): Result.Result<unknown, unknown> =>
  Result.try((): unknown => Reflect.apply(JSON.parse, JSON, [text, keepNumbers]))

export const stringify = (value: unknown): string => JSON.stringify(value)
