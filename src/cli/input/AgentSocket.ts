/** The agent's socket, as flag and environment name it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { socketIn, socketVariable } from "../../agent/Protocol.ts"
import { Complaint } from "../text/CommandLineError.ts"
import { Caller } from "./Caller.ts"

export const socketAsked = Effect.fnUntraced(function* (flag: Option.Option<string>) {
  const { variables } = yield* Caller
  const socket = Option.getOrUndefined(flag) ?? socketIn(variables)
  return (
    socket ??
    (yield* new Complaint({
      failed: "the agent has no socket",
      answer: `${socketVariable} is ${JSON.stringify(variables[socketVariable])}, which turns it off`,
      cure: "Give an absolute path: --socket PATH."
    }))
  )
})
