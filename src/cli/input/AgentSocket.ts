/** The agent's socket, from flag and environment. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { socketIn, socketVariable } from "../../agent/Protocol.ts"
import { CommandLineError } from "../text/CommandLineError.ts"
import { InvocationContext } from "./InvocationContext.ts"

export const socketAsked = Effect.fnUntraced(function* (flag: Option.Option<string>) {
  const { variables } = yield* InvocationContext
  const socket = Option.getOrUndefined(flag) ?? socketIn(variables)
  return (
    socket ??
    (yield* new CommandLineError({
      failed: "the agent has no socket",
      answer: `${socketVariable} is ${JSON.stringify(variables[socketVariable])}, which turns it off`,
      cure: "Give an absolute path: --socket PATH."
    }))
  )
})
