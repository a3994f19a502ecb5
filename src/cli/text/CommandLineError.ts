/** A command-line error, always in three parts: what failed, what came back, what to do. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type { CniError } from "../../cni/types/CniError.ts"

export class CommandLineError extends Data.TaggedError("CommandLineError")<{
  readonly failed: string
  readonly answer: string
  readonly cure: string
}> {
  override get message(): string {
    return `${this.failed}: ${this.answer}`
  }
}

export const misused = (answer: string, cure: string): CommandLineError =>
  new CommandLineError({ failed: "invalid command line", answer, cure })

/** What only root may do is cured by being root. */
export const asUser = (failed: string, answer: string, cure: string): CommandLineError => {
  const isDenied = /\b(EACCES|EPERM)\b/.test(answer) && process.getuid?.() !== 0
  return new CommandLineError({ failed, answer, cure: isDenied ? "Run it as root, as container runtimes do." : cure })
}

/** Converts an error document of the plugin; docs/errors.md has its code. */
export const fromCni =
  (what: string) =>
  ({ code, details, msg }: Pick<CniError, "code" | "details" | "msg">): CommandLineError =>
    asUser(`${what} failed (code ${code})`, msg, details)

export const commandLineErrorText = (
  { answer, cure, failed }: CommandLineError,
  strong = (text: string): string => text
): string => [strong(`userspace: ${failed}`), ...lines("  ", answer), ...lines("  -> ", cure)].join("\n")

const lines = (prefix: string, text: string): ReadonlyArray<string> =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, index) => `${index === 0 ? prefix : " ".repeat(prefix.length)}${line.trim()}`)

/** The end of a command that has printed everything, and whose exit status is its result. */
export class ExitStatus extends Data.TaggedError("ExitStatus")<{ readonly status: number }> {}

/** Another failure is 1; of `doctor` it is 2, because its 1 is findings, and a script must tell them apart. */
export const statusOf = (cause: Cause.Cause<unknown>, args: ReadonlyArray<string>): number => {
  const failure = Cause.squash(cause)
  if (failure instanceof ExitStatus) return failure.status
  return (args[0] === "container" ? args[1] : args[0]) === "doctor" ? 2 : 1
}
