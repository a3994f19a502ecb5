/** Exceptions as values, for code that loads no Effect. */

/** Returns undefined when `f` throws: an exception in a promise's executor, which runs at once, rejects the promise. */
export const attempt = <A>(f: () => A): A | undefined => {
  let value: A | undefined
  new Promise<never>(() => {
    value = f()
  }).catch(() => {})
  return value
}

/** The system's error code, if `cause` is a system error. */
export const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
