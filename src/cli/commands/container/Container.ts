/** `userspace container`: the container's end of the port, for use inside the pod. */
import * as Command from "effect/cli/Command"
import { command as doctor } from "./ContainerDoctor.ts"
import { dpdk, testpmd } from "./Dpdk.ts"
import { command as show } from "./Show.ts"
import { command as vpp } from "./Vpp.ts"
import { command as wait } from "./Wait.ts"

export const command = Command.make("container").pipe(
  Command.withSubcommands([show, wait, doctor, testpmd, dpdk, vpp]),
  Command.withExamples([
    { command: "userspace container show", description: "Which interfaces does this pod have?" },
    { command: "userspace container wait --count 2", description: "Before the application starts" },
    { command: "dpdk-testpmd $(userspace container testpmd) -- -i", description: "Open all of them" }
  ])
)
