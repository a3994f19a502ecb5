/** `userspace check`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { recordedFlags } from "../input/AttachmentFlags.ts"

export const check = Command.make("check", recordedFlags, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("../perform/PerformCheck.ts")),
    ({ performCheck }) => performCheck(options)
  )
).pipe(
  Command.withDescription(
    "Compare attachments with what ADD set up: all that are recorded on this node, or selected ones"
  ),
  Command.withExamples([
    { command: "userspace check", description: "Is everything on this node unchanged since ADD?" },
    { command: "userspace check --pod default/web-0", description: "Is one pod?" }
  ])
)
