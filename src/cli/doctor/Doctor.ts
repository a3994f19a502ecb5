/** `userspace doctor`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { networkFlags, selectorFlags } from "../input/AttachmentFlags.ts"
import { jsonFlag } from "../input/ContainerFlags.ts"
import { stateDirFlag, switchFlags } from "../input/NodeFlags.ts"

export const doctor = Command.make(
  "doctor",
  {
    pod: selectorFlags.pod.pipe(Flag.withDescription("Only this pod: every link from its record to its application")),
    config: networkFlags.config.pipe(
      Flag.withDescription(
        "Also a network whose ADD fails: a .conf, a .conflist or a NetworkAttachmentDefinition in JSON"
      ),
      Flag.optional
    ),
    cniPath: networkFlags.cniPath,
    stateDir: stateDirFlag,
    ...switchFlags,
    json: jsonFlag
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("./PerformDoctor.ts")),
      ({ performDoctor }) => performDoctor(options)
    )
).pipe(
  Command.withDescription(
    "Find what is wrong on this node or with a pod, and print what cures it; changes nothing. Exit status 1: something was found; 2: something could not be inspected"
  ),
  Command.withExamples([
    { command: "userspace doctor", description: "What is wrong on this node?" },
    { command: "userspace doctor --pod default/web-0", description: "Why does this pod get no packets?" },
    { command: "userspace doctor --config net.json", description: "Why does this network's ADD fail?" }
  ])
)
