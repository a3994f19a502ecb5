/** `userspace restore`. What does the work is loaded when it is asked for. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { defaultStateDir } from "../../attachment/Call.ts"
import { selectorFlags } from "../input/AttachmentFlags.ts"
import { jsonFlag, timeoutFlag, yes } from "../input/ContainerFlags.ts"

export const restore = Command.make(
  "restore",
  {
    stateDir: Flag.String("state-dir").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription(`Where the records are, as stateDir of the networks (default: ${defaultStateDir})`),
      Flag.withDefault(defaultStateDir)
    ),
    ...selectorFlags,
    timeout: timeoutFlag("30s", "How long to wait for a switch that is starting, and for an ADD that is running"),
    dryRun: yes("dry-run", "Change nothing; print what would be made again, and by which calls"),
    json: jsonFlag
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("../perform/PerformRestore.ts")),
      ({ performRestore }) => performRestore(options)
    )
).pipe(
  Command.withDescription(
    "Make the ports again that a restarted switch has forgotten, from this node's records; again with no other effect"
  ),
  Command.withExamples([
    { command: "userspace restore", description: "After VPP was restarted" },
    { command: "userspace restore --dry-run", description: "See what VPP has forgotten" }
  ])
)
