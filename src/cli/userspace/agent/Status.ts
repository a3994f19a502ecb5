/** `userspace agent status`. What does the work is loaded when it is asked for. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { defaultSocket, socketVariable } from "../../../agent/Protocol.ts"
import { jsonFlag } from "../../input/ContainerFlags.ts"

export const status = Command.make(
  "status",
  {
    socket: Flag.String("socket").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription(`Socket of the agent (default:  ${socketVariable}, or ${defaultSocket})`),
      Flag.optional
    ),
    json: jsonFlag
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("../../perform/PerformAgentStatus.ts")),
      ({ performAgentStatus }) => performAgentStatus(options)
    )
).pipe(Command.withDescription("Show since when the agent runs, its calls, its switches, and its last failure"))
