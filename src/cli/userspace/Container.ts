/** `userspace container`: the container's end of the port, for use inside the pod. */
import * as Command from "effect/cli/Command"
import { doctor } from "./container/Doctor.ts"
import { dpdk } from "./container/Dpdk.ts"
import { show } from "./container/Show.ts"
import { testpmd } from "./container/Testpmd.ts"
import { vpp } from "./container/Vpp.ts"
import { wait } from "./container/Wait.ts"

export const container = Command.make("container").pipe(
  Command.withDescription("Inside a pod: its interfaces, and how to open them"),
  Command.withSubcommands([show, wait, doctor, testpmd, dpdk, vpp]),
  Command.withExamples([
    { command: "userspace container show", description: "Which interfaces does this pod have?" },
    { command: "userspace container wait --count 2", description: "Before the application starts" },
    { command: "dpdk-testpmd $(userspace container testpmd) -- -i", description: "Open all of them" }
  ])
)
