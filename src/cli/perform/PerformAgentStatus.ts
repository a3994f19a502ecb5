/** `userspace agent status`, carried out. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { get } from "../../agent/HttpGet.ts"
import { statusPath } from "../../agent/Protocol.ts"
import { decodeStatus } from "../../agent/Status.ts"
import { socketAsked } from "../input/AgentSocket.ts"
import { agentText } from "../text/AgentText.ts"
import { CommandLineError } from "../text/CommandLineError.ts"
import { print } from "./Node.ts"

export const performAgentStatus = Effect.fnUntraced(function* (options: {
  readonly socket: Option.Option<string>
  readonly json: boolean
}) {
  const socket = yield* socketAsked(options.socket)
  const status = yield* get(socket, statusPath).pipe(
    Effect.flatMap(({ text }) => decodeStatus(text)),
    Effect.mapError(
      ({ message }) =>
        new CommandLineError({
          failed: `no agent answers on ${socket}`,
          answer: message,
          cure: "Check `systemctl status userspace-agent`. Meanwhile calls run in their own processes."
        })
    )
  )
  yield* print(options.json, status, agentText(status))
})
