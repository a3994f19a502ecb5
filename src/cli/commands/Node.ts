/** The commands of a node: `userspace list`, `gc`, `restore`, `status`, `top`, `doctor`, `capture` and `vpp-compat`. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { defaultStateDir } from "../../attachment/Call.ts"
import { networkFlags, selectorFlags } from "../input/AttachmentFlags.ts"
import {
  defaultVppSocket,
  everyFlag,
  jsonFlag,
  onDemand,
  stateDirFlag,
  switchFlags,
  text,
  textOr,
  timeoutFlag,
  yes
} from "../input/Flags.ts"

export const list = Command.make(
  "list",
  {
    network: text("network", "NAME", "Only the attachments of this network"),
    stateDir: stateDirFlag,
    ...switchFlags,
    watch: yes("watch", "Keep running and print what changes: the table anew on a terminal, else one line a change"),
    json: jsonFlag.pipe(Flag.withDescription("Print JSON; with --watch one document a change"))
  },
  onDemand(() => import("../perform/PerformList.ts"))
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
  onDemand(() => import("../perform/PerformGc.ts"))
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
  onDemand(() => import("../perform/PerformRestore.ts"))
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
  onDemand(() => import("../perform/PerformStatus.ts"))
).pipe(
  Command.withDescription(
    "Report whether an ADD would succeed now: asks the switch, the state directory and the IPAM plugin; changes nothing"
  )
)

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
    stateDir: stateDirFlag,
    ...switchFlags,
    json: jsonFlag.pipe(Flag.withDescription("Print JSON, one document instead of each table"))
  },
  onDemand(() => import("../top/PerformTop.ts"))
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
  onDemand(() => import("../doctor/PerformDoctor.ts"))
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

const number = (name: string, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(description),
    Flag.filter(
      (value) => value > 0,
      () => "a positive number"
    ),
    Flag.optional
  )

export const capture = Command.make(
  "capture",
  {
    pod: selectorFlags.pod.pipe(Flag.withDescription("The pod whose interface is captured")),
    containerId: selectorFlags.containerId.pipe(
      Flag.withDescription("Its container instead: the ID, or a unique prefix of it")
    ),
    ifname: Flag.String("interface").pipe(
      Flag.withMetavar("NAME"),
      Flag.withDescription("The interface, when the pod has more than one: net1"),
      Flag.optional
    ),
    filter: Flag.String("filter").pipe(
      Flag.withMetavar("EXPR"),
      Flag.withDescription("Only packets that match, as for tcpdump (pcap-filter(7)); needs tcpdump on this node"),
      Flag.optional
    ),
    count: number("count", "End after this many packets"),
    seconds: number("seconds", "End after this many seconds"),
    write: Flag.String("write").pipe(
      Flag.withAlias("w"),
      Flag.withMetavar("FILE"),
      Flag.withDescription("The pcapng file to write; - for stdout")
    ),
    stateDir: stateDirFlag
  },
  onDemand(() => import("../perform/PerformCapture.ts"))
).pipe(
  Command.withDescription("Write the packets of one interface to a pcapng file, both directions marked"),
  Command.withExamples([
    {
      command: "userspace capture --pod default/web-0 -w - | tcpdump -n -r -",
      description: "Watch what a pod sends and receives"
    },
    {
      command: "userspace capture --pod default/web-0 --interface net1 --filter icmp --count 10 -w net1.pcapng",
      description: "Ten packets of ICMP, for Wireshark"
    }
  ])
)

export const vppCompat = Command.make(
  "vpp-compat",
  {
    socket: textOr("socket", "PATH", `VPP's API socket (default: ${defaultVppSocket})`, defaultVppSocket),
    json: jsonFlag
  },
  onDemand(() => import("../vpp/PerformVppCompat.ts"))
).pipe(Command.withDescription("Compare the messages of the running VPP with those that the plugin uses"))
