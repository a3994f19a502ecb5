/** `userspace container dpdk` */
import * as Command from "effect/cli/Command"
import { dpdkFlags, printed } from "./DpdkCommand.ts"

export const dpdk = Command.make(
  "dpdk",
  dpdkFlags,
  printed((vdevs) => vdevs)
).pipe(
  Command.withDescription("Print one --vdev argument for each interface, for any DPDK application"),
  Command.withExamples([
    {
      command: "my-application -l 0-1 $(userspace container dpdk) --",
      description: "Before the application's own arguments"
    }
  ])
)
