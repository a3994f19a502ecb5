/** `userspace list`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { jsonFlag } from "../input/ContainerFlags.ts"
import { text, yes } from "../input/Flags.ts"
import { stateDirFlag, switchFlags } from "../input/NodeFlags.ts"

export const list = Command.make(
  "list",
  {
    network: text("network", "NAME", "Only the attachments of this network"),
    stateDir: stateDirFlag,
    ...switchFlags,
    watch: yes("watch", "Keep running and print what changes: the table anew on a terminal, else one line a change"),
    json: jsonFlag.pipe(Flag.withDescription("Print JSON; with --watch one document a change"))
  },
  ({ watch, ...options }) =>
    watch
      ? Effect.flatMap(
          Effect.promise(() => import("../watch/WatchList.ts")),
          ({ watchList }) => watchList(options)
        )
      : Effect.flatMap(
          Effect.promise(() => import("../perform/PerformList.ts")),
          ({ performList }) => performList(options)
        )
).pipe(
  Command.withDescription("List every attachment on this node: its network, pod, interface, switch, port and state"),
  Command.withExamples([
    { command: "userspace list", description: "Which attachments are on this node?" },
    { command: "userspace list --watch", description: "Which come, connect and go?" },
    {
      command: "userspace list --json | jq -r '.attachments[] | select(.state == \"missing\") | .containerId'",
      description: "Which ports has the switch lost?"
    }
  ])
)
