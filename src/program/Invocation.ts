/** The name of one ADD, which its record bears. Whoever has the ADD done for it gives the name, and knows it after that. */
import * as Context from "effect/Context"

/** Undefined: any. */
export const Invocation = Context.Reference<string | undefined>("userspace-cni/Invocation", {
  defaultValue: () => undefined
})
