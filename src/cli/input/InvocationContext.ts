/** Who runs the command line: the environment it was started with, and what the terminal can show. */
import * as Context from "effect/Context"
import type { Variables } from "../../cni/spec/Environment.ts"
import type { Style } from "../text/PlanText.ts"

export class InvocationContext extends Context.Service<
  InvocationContext,
  { readonly variables: Variables; readonly style: Style }
>()("userspace-cni/Caller") {}
