/** `userspace top`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { defaultStateDir } from "../../attachment/Call.ts"
import { selectorFlags } from "../input/AttachmentFlags.ts"
import { everyFlag, jsonFlag } from "../input/ContainerFlags.ts"
import { text, textOr, yes } from "../input/Flags.ts"

export const top = Command.make(
  "top",
  {
    pod: selectorFlags.pod.pipe(Flag.withDescription("Only the interfaces of this pod")),
    network: text("network", "NAME", "Only the interfaces of this network"),
    sort: Flag.Literals("sort", ["packets", "bits", "drops", "pod"]).pipe(
      Flag.withDescription(
        "What the table begins with: the most packets, bits or drops, or by name (default: packets)"
      ),
      Flag.withDefault("packets")
    ),
    every: everyFlag.pipe(Flag.withDescription("Time between two tables: 10s (default: 2s; at least 1s)")),
    once: yes("once", "Print one table and exit: the rates between two readings, --every apart"),
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
    json: jsonFlag.pipe(Flag.withDescription("Print JSON, one document instead of each table"))
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("./PerformTop.ts")),
      ({ performTop }) => performTop(options)
    )
).pipe(
  Command.withDescription(
    "Show what the interfaces of this node receive, send and drop a second, as the pods see it; q or Ctrl-C ends it"
  ),
  Command.withExamples([
    { command: "userspace top", description: "Which pods are busy, and which lose packets?" },
    { command: "userspace top --pod default/web-0", description: "Do packets reach this pod?" },
    { command: "userspace top --once --json", description: "The rates of this moment for a program" }
  ])
)
