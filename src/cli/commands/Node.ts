/** `userspace list`, `gc`, `restore` and `status`, of all attachments of a node or of a network. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { defaultStateDir } from "../../attachment/Call.ts"
import { networkFlags, selectorFlags } from "../input/AttachmentFlags.ts"
import { everyFlag, jsonFlag, timeoutFlag } from "../input/ContainerFlags.ts"
import { onDemand, text, yes } from "../input/Flags.ts"
import { stateDirFlag, switchFlags } from "../input/NodeFlags.ts"

const performList = onDemand(
  () => import("../perform/PerformList.ts"),
  ({ performList }) => performList
)
const watchList = onDemand(
  () => import("../watch/WatchList.ts"),
  ({ watchList }) => watchList
)

export const list = Command.make(
  "list",
  {
    network: text("network", "NAME", "Only the attachments of this network"),
    stateDir: stateDirFlag,
    ...switchFlags,
    watch: yes("watch", "Keep running and print what changes: the table anew on a terminal, else one line a change"),
    json: jsonFlag.pipe(Flag.withDescription("Print JSON; with --watch one document a change"))
  },
  ({ watch, ...options }) => (watch ? watchList : performList)(options)
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
    stateDir: stateDirFlag.pipe(
      Flag.withDescription(`Without --config: directory of the records (default: ${defaultStateDir})`)
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
  onDemand(
    () => import("../perform/PerformGc.ts"),
    ({ performGc }) => performGc
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

export const restore = Command.make(
  "restore",
  {
    stateDir: stateDirFlag,
    ...selectorFlags,
    timeout: timeoutFlag("30s", "Time to wait for a switch that is starting, and for an ADD that is running"),
    dryRun: yes("dry-run", "Change nothing; print what would be restored, and by which calls"),
    json: jsonFlag
  },
  onDemand(
    () => import("../perform/PerformRestore.ts"),
    ({ performRestore }) => performRestore
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

export const status = Command.make(
  "status",
  { ...networkFlags, json: jsonFlag },
  onDemand(
    () => import("../perform/PerformStatus.ts"),
    ({ performStatus }) => performStatus
  )
).pipe(
  Command.withDescription(
    "Report whether an ADD would succeed now: asks the switch, the state directory and the IPAM plugin; changes nothing"
  )
)
