/** `userspace agent`. What does the work is loaded when it is asked for. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { defaultStateDir } from "../../attachment/Call.ts"
import { networkFlags } from "../input/AttachmentFlags.ts"
import { jsonFlag, yes } from "../input/ContainerFlags.ts"
import { notOnce } from "../input/Once.ts"

export const agent = Command.make(
  "agent",
  {
    once: yes("once", "Look once at all attachments of this node, put right what is wrong, print it, and end"),
    dryRun: yes("dry-run", "With --once: change nothing; print what would be done"),
    repair: Flag.Literals("repair", ["missing", "all"]).pipe(
      Flag.withDescription(
        "missing: make ports again that a switch has lost. all: also undo what somebody changed on a port (default: missing)"
      ),
      Flag.withDefault("missing")
    ),
    stateDir: Flag.String("state-dir").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription(`Where the records are, as stateDir of the networks (default: ${defaultStateDir})`),
      Flag.withDefault(defaultStateDir)
    ),
    cniPath: networkFlags.cniPath,
    json: jsonFlag
  },
  (options) =>
    options.once
      ? Effect.flatMap(
          Effect.promise(() => import("../perform/PerformHeal.ts")),
          ({ performHeal }) => performHeal(options)
        )
      : Effect.fail(notOnce)
).pipe(
  Command.withDescription("Look after the attachments of this node: make ports again that a switch has lost"),
  Command.withExamples([
    { command: "userspace agent --once --dry-run", description: "What would be put right?" },
    { command: "userspace agent --once", description: "Put it right" }
  ])
)
