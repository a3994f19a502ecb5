/** `userspace gc`. What does the work is loaded when it is asked for. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { defaultStateDir } from "../../attachment/Call.ts"
import { networkFlags } from "../input/AttachmentFlags.ts"
import { everyFlag, jsonFlag, yes } from "../input/ContainerFlags.ts"

export const gc = Command.make(
  "gc",
  {
    ...networkFlags,
    config: networkFlags.config.pipe(
      Flag.withDescription(
        "The network, or several: also what `kubectl get net-attach-def -o json` prints. By sandbox, all of this node without it"
      ),
      Flag.optional
    ),
    stateDir: Flag.String("state-dir").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription(`Without --config: where the records are (default: ${defaultStateDir})`),
      Flag.withDefault(defaultStateDir)
    ),
    valid: Flag.Path("valid").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription('What is alive: [{"containerID": "ID", "ifname": "net1"}, ...]. All else goes'),
      Flag.optional
    ),
    bySandbox: yes("by-sandbox", "What is recorded for network namespaces that are gone goes, and nothing else"),
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
  Command.withDescription("Remove what pods that are gone have left behind"),
  Command.withExamples([
    { command: "userspace gc --by-sandbox --dry-run", description: "What did pods leave behind on this node?" },
    { command: "userspace gc --config net.conf --valid alive.json", description: "As a container runtime's GC" }
  ])
)
