/** `userspace list`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { defaultStateDir } from "../../attachment/Call.ts"
import { jsonFlag } from "../input/ContainerFlags.ts"
import { text, textOr, yes } from "../input/Flags.ts"

export const list = Command.make(
  "list",
  {
    network: text("network", "NAME", "Only the attachments of this network"),
    stateDir: textOr(
      "state-dir",
      "DIR",
      `Directory of the records, stateDir of the networks (default: ${defaultStateDir})`,
      defaultStateDir
    ),
    ovs: text(
      "ovs-socket",
      "PATH",
      "Socket of another Open vSwitch, in addition to those of the records and of OVS_RUNDIR"
    ),
    vpp: text("vpp-socket", "PATH", "Socket of another VPP, in addition to those of the records and /run/vpp/api.sock"),
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
