/** `userspace container testpmd` */
import * as Command from "effect/cli/Command"
import { testpmdArguments } from "../../../container/DpdkArguments.ts"
import { yes } from "../../input/Flags.ts"
import { dpdkFlags, printed } from "./DpdkCommand.ts"

export const testpmd = Command.make(
  "testpmd",
  { ...dpdkFlags, noHuge: yes("no-huge", "Run without hugepages, for containers that have none") },
  printed((vdevs, options) => testpmdArguments(vdevs, !options.noHuge))
).pipe(
  Command.withDescription("Print the arguments with which dpdk-testpmd opens the interfaces"),
  Command.withExamples([
    { command: "dpdk-testpmd $(userspace container testpmd) -- -i", description: "Try the interfaces by hand" },
    {
      command: "a=$(userspace container testpmd) && exec dpdk-testpmd $a -- --auto-start",
      description: "In a script, which then stops when there is nothing to open"
    }
  ])
)
