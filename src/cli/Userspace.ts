/**
 * The command tree, and what the executable says of itself. A command is a file of its own, which is loaded when the
 * arguments name it: `userspace --help` needs the names and descriptions that are here, and no more.
 */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { version as own } from "../app/Version.ts"
import { supportedVersions } from "../cni/types/Versions.ts"
import { yes } from "./input/Flags.ts"

const purpose = "CNI plugin for vhost-user and memif interfaces on Open vSwitch with DPDK and on VPP"

/** Printed without a verb and without arguments, as by Go's skeleton, with where to continue. */
export const about = [
  `userspace-cni ${own}: ${purpose}`,
  `CNI protocol versions supported: ${supportedVersions.join(", ")}`,
  "A container runtime runs it with CNI_COMMAND. By hand: `userspace --help`."
].join("\n")

const version = Command.make("version", { json: yes("json", "Print JSON") }, ({ json }) =>
  Console.log(
    json
      ? JSON.stringify({ version: own, supportedVersions })
      : `userspace-cni ${own}\nCNI ${supportedVersions.join(", ")}`
  )
)

const lazily = <N extends string, I, C, E, R>(
  name: N,
  description: string,
  load: () => Promise<{ readonly command: Command.Command<N, I, C, E, R> }>
) => ({
  name,
  described: Command.make(name).pipe(Command.withDescription(description)),
  whole: Effect.map(Effect.promise(load), ({ command }) => Command.withDescription(command, description))
})

/** In the order of the help. */
const commands = [
  lazily("add", "Add the interface, as a runtime's ADD does", () => import("./commands/Add.ts")),
  lazily(
    "del",
    "Delete attachments and everything that belongs to them; can be repeated",
    () => import("./commands/Del.ts")
  ),
  lazily(
    "check",
    "Compare attachments with what ADD set up: all that are recorded on this node, or selected ones",
    () => import("./commands/Check.ts")
  ),
  lazily(
    "list",
    "List every attachment on this node: its network, pod, interface, switch, port and state",
    () => import("./commands/List.ts")
  ),
  lazily(
    "top",
    "Show what the interfaces of this node receive, send and drop a second, as the pods see it; q or Ctrl-C ends it",
    () => import("./commands/Top.ts")
  ),
  lazily(
    "status",
    "Report whether an ADD would succeed now: asks the switch, the state directory and the IPAM plugin; changes nothing",
    () => import("./commands/Status.ts")
  ),
  lazily(
    "doctor",
    "Find what is wrong on this node or with a pod, and print what cures it; changes nothing. Exit status 1: something was found; 2: something could not be inspected",
    () => import("./commands/Doctor.ts")
  ),
  lazily(
    "fleet",
    "Show all nodes of a cluster, the wrong ones first. Exit status 1: a node is wrong; 2: something is not known",
    () => import("./commands/agent/Fleet.ts")
  ),
  lazily(
    "verify",
    "Try the plugin on the nodes of a cluster, in a namespace of its own, and remove everything again. Exit status 1: a case failed, or something is left",
    () => import("./commands/agent/Verify.ts")
  ),
  lazily(
    "lint",
    "Check networks in files before they are used, as an ADD would. Exit status 1: a network is refused; 2: something could not be read",
    () => import("./commands/Lint.ts")
  ),
  lazily("gc", "Remove attachments of pods that no longer exist", () => import("./commands/Gc.ts")),
  lazily(
    "restore",
    "Recreate the ports that a restarted switch has lost, from this node's records; can be repeated",
    () => import("./commands/Restore.ts")
  ),
  lazily(
    "kubevirt-hook",
    "Serve KubeVirt's hooks in a sidecar: a virtual machine gets the vhost-user interfaces of its pod",
    () => import("./commands/agent/KubevirtHook.ts")
  ),
  lazily(
    "capture",
    "Write the packets of one interface to a pcapng file, both directions marked",
    () => import("./commands/Capture.ts")
  ),
  lazily(
    "agent",
    "Serve the plugin's calls on this node from one warm process, and recreate ports that a switch has lost",
    () => import("./commands/agent/Agent.ts")
  ),
  lazily(
    "container",
    "Inside a pod: its interfaces, and how to open them",
    () => import("./commands/container/Container.ts")
  ),
  lazily(
    "vpp-compat",
    "Compare the messages of the running VPP with those that the plugin uses",
    () => import("./commands/VppCompat.ts")
  ),
  lazily(
    "install",
    "Install the plugin, and a kubeconfig for it, on a node",
    () => import("./commands/install/Install.ts")
  ),
  lazily("uninstall", "Remove the plugin from a node", () => import("./commands/install/Uninstall.ts")),
  lazily("version", "Print the version and the supported CNI versions", () => Promise.resolve({ command: version }))
]

/** `wanted`: those whose flags are needed; of the others there are the name and the description. */
export const userspace = Effect.fnUntraced(function* (wanted: (name: string) => boolean) {
  const all = yield* Effect.forEach(
    commands,
    Effect.fnUntraced(function* (one) {
      return wanted(one.name) ? yield* one.whole : one.described
    })
  )
  return Command.make("userspace").pipe(
    Command.withDescription(
      `${purpose}. A container runtime runs it with CNI_COMMAND set; these commands are for people`
    ),
    Command.withSubcommands(all),
    Command.withExamples([
      { command: "userspace add --dry-run --config net.conf", description: "See what an ADD would do" },
      { command: "userspace --completions bash > /etc/bash_completion.d/userspace", description: "Complete with Tab" }
    ])
  )
})
