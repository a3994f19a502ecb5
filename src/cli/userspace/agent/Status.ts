/** `userspace agent status`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { defaultSocket, socketVariable } from "../../../agent/Protocol.ts"
import { jsonFlag } from "../../input/ContainerFlags.ts"
import { text, yes } from "../../input/Flags.ts"
import { enterHost, hostFlag } from "../../input/Host.ts"

export const status = Command.make(
  "status",
  {
    socket: text("socket", "PATH", `Socket of the agent (default: ${socketVariable}, or ${defaultSocket})`),
    ready: yes("ready", "Exit with 1 unless the agent would accept a call from here now"),
    host: hostFlag,
    json: jsonFlag
  },
  (options) =>
    Effect.andThen(
      enterHost(options),
      Effect.flatMap(
        Effect.promise(() => import("../../perform/PerformAgentStatus.ts")),
        ({ performAgentStatus }) => performAgentStatus(options)
      )
    )
).pipe(Command.withDescription("Show since when the agent runs, its calls, its switches, and its last failure"))
