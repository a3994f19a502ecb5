/** The context of the command line: its environment, and the terminal's capabilities. */
import * as Context from "effect/Context"
import type { Variables } from "../../cni/spec/Environment.ts"
import type { Style } from "../text/PlanText.ts"

export class InvocationContext extends Context.Service<
  InvocationContext,
  { readonly variables: Variables; readonly style: Style }
>()("userspace-cni/Caller") {}
