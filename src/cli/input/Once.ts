/** Flags that `userspace agent` does not accept while it runs permanently. */
import { CommandLineError } from "../text/CommandLineError.ts"

export const onlyOnce = new CommandLineError({
  failed: "the agent serves and heals for as long as it runs",
  answer: "--dry-run and --json are for one round, and --once is missing",
  cure: "Give --once with them."
})
