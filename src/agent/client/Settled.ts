/** What throws, as a promise: this side of the agent has no Effect. */

/** Undefined when it throws. What `f` does is done when this returns. */
export const quietly = <A>(f: () => A): Promise<A | undefined> =>
  new Promise<A>((resolve) => resolve(f())).catch(() => undefined)
