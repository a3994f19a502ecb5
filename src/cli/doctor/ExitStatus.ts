/** The end of a command that has printed everything, and whose exit status is its result. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"

export class ExitStatus extends Data.TaggedError("ExitStatus")<{ readonly status: number }> {}

/** 1 for every other failure. */
export const statusOf = (cause: Cause.Cause<unknown>): number => {
  const failure = Cause.squash(cause)
  return failure instanceof ExitStatus ? failure.status : 1
}
