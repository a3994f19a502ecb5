/** `userspace del`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { recordedFlags } from "../input/AttachmentFlags.ts"

export const del = Command.make("del", recordedFlags, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("../perform/PerformRecorded.ts")),
    ({ performDel }) => performDel(options)
  )
).pipe(
  Command.withDescription("Delete attachments and everything that belongs to them; can be repeated"),
  Command.withExamples([
    { command: "userspace del --container-id 0958c8871b32 --dry-run", description: "What would be removed?" },
    { command: "userspace del --pod default/web-0", description: "All attachments of a pod, from their records" }
  ])
)
