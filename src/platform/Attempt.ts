/** Calls what may throw, for code that loads no Effect. */

/** Undefined when it throws. What `f` does is done when this returns. */
export const attempt = <A>(f: () => A): Promise<A | undefined> =>
  new Promise<A>((resolve) => resolve(f())).catch(() => undefined)
