/**
 * stdout of the command line. If it cannot be written, the command fails, as usual; a closed reader (`| head -1`) is
 * not reported.
 */
import type * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { writeText } from "../app/Stdio.ts"
import { CommandLineError, commandLineErrorText } from "./text/CommandLineError.ts"

export const checked = (console: Console.Console): Console.Console => {
  let failed = false
  const fail = (code: string) => {
    if (!failed && code !== "EPIPE") console.error(commandLineErrorText(untaken(code)))
    failed = true
    process.exitCode = 1
  }
  return Object.assign(Object.create(console), {
    log: (...words: ReadonlyArray<unknown>) =>
      Effect.runSync(
        Effect.match(writeText(`${words.map(String).join(" ")}\n`), { onFailure: fail, onSuccess: () => undefined })
      )
  })
}

const untaken = (code: string) =>
  new CommandLineError({
    failed: "the output is not complete",
    answer: `stdout cannot be written: ${code}`,
    cure: "What the command was to do is done; `userspace list` shows it. Give it a stdout that is open and has room."
  })
