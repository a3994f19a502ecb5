/** What may throw, for code that loads no Effect, and what it threw. */

/** Undefined when it throws: that rejects the promise, whose executor runs at once. */
export const attempt = <A>(f: () => A): A | undefined => {
  let value: A | undefined
  new Promise<never>(() => {
    value = f()
  }).catch(() => {})
  return value
}

/** The system's code, if it is the system's error. */
export const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
