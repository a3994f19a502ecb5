/** What `userspace agent` has to be told. */
import { Complaint } from "../text/CommandLineError.ts"

export const notOnce = new Complaint({
  failed: "the agent has to be told what to do",
  answer: "--once is missing",
  cure: "Give --once, with --dry-run to see what it would do."
})
