/** `userspace add`, `del` and `check`: one attachment as a runtime's call, or those that are recorded on this node. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { attachmentFlags, recordedFlags } from "../input/AttachmentFlags.ts"
import { onDemand } from "../input/Flags.ts"

const calls = Effect.promise(() => import("../perform/Perform.ts"))

export const add = Command.make("add", attachmentFlags, (options) =>
  Effect.flatMap(calls, ({ performCall }) => performCall("ADD")(options))
).pipe(Command.withDescription("Add the interface, as a runtime's ADD does"))

export const del = Command.make("del", recordedFlags, (options) =>
  Effect.flatMap(calls, ({ performDel }) => performDel(options))
).pipe(
  Command.withDescription("Delete attachments and everything that belongs to them; can be repeated"),
  Command.withExamples([
    { command: "userspace del --container-id 0958c8871b32 --dry-run", description: "What would be removed?" },
    { command: "userspace del --pod default/web-0", description: "All attachments of a pod, from their records" }
  ])
)

export const check = Command.make(
  "check",
  recordedFlags,
  onDemand(() => import("../perform/PerformCheck.ts"))
).pipe(
  Command.withDescription(
    "Compare attachments with what ADD set up: all that are recorded on this node, or selected ones"
  ),
  Command.withExamples([
    { command: "userspace check", description: "Is everything on this node unchanged since ADD?" },
    { command: "userspace check --pod default/web-0", description: "Is one pod?" }
  ])
)
