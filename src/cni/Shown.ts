/** A value of the configuration for people: short, on one line, and never a secret. Pure. */
import * as Result from "effect/Result"

const isSecret = (name: string): boolean => /secret/i.test(name)

/** `path` ends in the key that has the value; `meant` is the key that it was meant to be, when it is misspelled. */
export const shown = (path: string, value: unknown, meant = ""): string => {
  if (isSecret(path) || isSecret(meant)) return "(hidden)"
  // Nested deeper than the stack is, a value cannot be written out.
  const text = Result.getOrElse(
    Result.try(() => JSON.stringify(value, (key, inner: unknown) => (isSecret(key) ? "(hidden)" : inner)) ?? ""),
    () => "(too deep to show)"
  )
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

/** What a JSON parser said, unless it quotes a text that holds a secret. */
export const parserSaid = (text: string, error: unknown): string =>
  isSecret(text) || !(error instanceof Error) ? "" : `: ${error.message}`
