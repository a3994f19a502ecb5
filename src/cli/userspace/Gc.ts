/** `userspace gc`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { defaultStateDir } from "../../attachment/Call.ts"
import { networkFlags } from "../input/AttachmentFlags.ts"
import { everyFlag, jsonFlag } from "../input/ContainerFlags.ts"
import { textOr, yes } from "../input/Flags.ts"

export const gc = Command.make(
  "gc",
  {
    ...networkFlags,
    config: networkFlags.config.pipe(
      Flag.withDescription(
        "One or more networks, also the output of `kubectl get net-attach-def -o json`. With --by-sandbox the default is all networks of the node"
      ),
      Flag.optional
    ),
    stateDir: textOr(
      "state-dir",
      "DIR",
      `Without --config: directory of the records (default: ${defaultStateDir})`,
      defaultStateDir
    ),
    valid: Flag.Path("valid").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription('Live attachments: [{"containerID": "ID", "ifname": "net1"}, ...]. All others are removed'),
      Flag.optional
    ),
    bySandbox: yes("by-sandbox", "Remove only recorded attachments whose network namespace is gone"),
    every: everyFlag,
    dryRun: yes("dry-run", "Change nothing; print what would be removed"),
    json: jsonFlag
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("../perform/PerformGc.ts")),
      ({ performGc }) => performGc(options)
    )
).pipe(
  Command.withDescription("Remove attachments of pods that no longer exist"),
  Command.withExamples([
    {
      command: "userspace gc --by-sandbox --dry-run",
      description: "Which attachments of deleted pods are on this node?"
    },
    { command: "userspace gc --config net.conf --valid alive.json", description: "As a container runtime's GC" }
  ])
)
