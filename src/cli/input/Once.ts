/** What `userspace agent` has to be told. */
import { Complaint } from "../text/CommandLineError.ts"

export const notOnce = new Complaint({
  failed: "the agent cannot do a dry run of what it does all the time",
  answer: "--once is missing",
  cure: "Give --once with --dry-run: both together print what one round would do."
})
