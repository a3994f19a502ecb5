/** `userspace restore`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { selectorFlags } from "../input/AttachmentFlags.ts"
import { jsonFlag, timeoutFlag } from "../input/ContainerFlags.ts"
import { yes } from "../input/Flags.ts"
import { stateDirFlag } from "../input/NodeFlags.ts"

export const restore = Command.make(
  "restore",
  {
    stateDir: stateDirFlag,
    ...selectorFlags,
    timeout: timeoutFlag("30s", "Time to wait for a switch that is starting, and for an ADD that is running"),
    dryRun: yes("dry-run", "Change nothing; print what would be restored, and by which calls"),
    json: jsonFlag
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("../perform/PerformRestore.ts")),
      ({ performRestore }) => performRestore(options)
    )
).pipe(
  Command.withDescription(
    "Recreate the ports that a restarted switch has lost, from this node's records; can be repeated"
  ),
  Command.withExamples([
    { command: "userspace restore", description: "After VPP was restarted" },
    { command: "userspace restore --dry-run", description: "See what VPP has lost" }
  ])
)
