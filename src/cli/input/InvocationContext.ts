/** The context of the command line: its environment, the terminal's capabilities, and the exit status. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { writeText } from "../../app/Stdio.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Style } from "../text/Table.ts"

export class InvocationContext extends Context.Service<
  InvocationContext,
  { readonly variables: Variables; readonly style: Style }
>()("userspace-cni/Caller") {}

/** The end of a command that runs until it is stopped, which is not a failure. */
export const endsWell = Effect.sync(() => {
  process.exitCode = 0
})

/** Clears the terminal. A reference, so that tests can replace it. */
export const Clear = Context.Reference<Effect.Effect<void>>("userspace-cni/Clear", {
  defaultValue: () => Effect.ignore(writeText("\x1b[H\x1b[2J"))
})
