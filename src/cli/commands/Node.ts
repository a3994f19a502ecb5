/** The commands of a node: `userspace list`, `gc`, `restore`, `status`, `top`, `doctor`, `capture` and `vpp-compat`. */
import * as Command from "effect/cli/Command"
import { defaultVppSocket, jsonFlag, onDemand, textOr } from "../input/Flags.ts"
import {
  captureFlags,
  doctorFlags,
  gcFlags,
  listFlags,
  restoreFlags,
  statusFlags,
  topFlags
} from "../input/NodeFlags.ts"

export const list = Command.make(
  "list",
  listFlags,
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
  gcFlags,
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
  restoreFlags,
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
  statusFlags,
  onDemand(() => import("../perform/PerformStatus.ts"))
).pipe(
  Command.withDescription(
    "Report whether an ADD would succeed now: asks the switch, the state directory and the IPAM plugin; changes nothing"
  )
)

export const top = Command.make(
  "top",
  topFlags,
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
  doctorFlags,
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

export const capture = Command.make(
  "capture",
  captureFlags,
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
