/** The command tree: `userspace`, with its sub-commands in `userspace/`. */
import * as Command from "effect/cli/Command"
import { purpose } from "./About.ts"
import { capture } from "./capture/Capture.ts"
import { doctor } from "./doctor/Doctor.ts"
import { top } from "./top/Top.ts"
import { add } from "./userspace/Add.ts"
import { agent } from "./userspace/Agent.ts"
import { check } from "./userspace/Check.ts"
import { container } from "./userspace/Container.ts"
import { del } from "./userspace/Del.ts"
import { gc } from "./userspace/Gc.ts"
import { install } from "./userspace/Install.ts"
import { list } from "./userspace/List.ts"
import { restore } from "./userspace/Restore.ts"
import { status } from "./userspace/Status.ts"
import { version } from "./userspace/Version.ts"
import { vppCompat } from "./userspace/VppCompat.ts"

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
