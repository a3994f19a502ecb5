/**
 * The name of one ADD, which its record contains. A caller that delegates the ADD chooses it, and can then find the ADD
 * by it.
 */
import * as Context from "effect/Context"

/** Undefined: a random one. */
export const Invocation = Context.Reference<string | undefined>("userspace-cni/Invocation", {
  defaultValue: () => undefined
})
