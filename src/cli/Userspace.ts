/** The command tree, and what the executable says of itself. */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import { version as own } from "../app/Version.ts"
import { supportedVersions } from "../cni/types/Versions.ts"
import { agent } from "./commands/Agent.ts"
import { add, check, del } from "./commands/Attachment.ts"
import { container } from "./commands/Container.ts"
import { install } from "./commands/Install.ts"
import { capture, doctor, gc, list, restore, status, top, vppCompat } from "./commands/Node.ts"
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
).pipe(Command.withDescription("Print the version and the supported CNI versions"))

export const userspace = Command.make("userspace").pipe(
  Command.withDescription(
    `${purpose}. A container runtime runs it with CNI_COMMAND set; these commands are for people`
  ),
  Command.withSubcommands([
    add,
    del,
    check,
    list,
    top,
    status,
    doctor,
    gc,
    restore,
    capture,
    agent,
    container,
    vppCompat,
    install,
    version
  ]),
  Command.withExamples([
    { command: "userspace add --dry-run --config net.conf", description: "See what an ADD would do" },
    { command: "userspace --completions bash > /etc/bash_completion.d/userspace", description: "Complete with Tab" }
  ])
)
