/**
 * What commands print: tables and JSON from one description of columns, problems in three parts (what failed, what came
 * back, what to do), and the exit status.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { writeText } from "../../app/Stdio.ts"
import type { CniError, Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"

export class InvocationContext extends Context.Service<
  InvocationContext,
  { readonly variables: Variables; readonly style: Style }
>()("userspace-cni/Caller") {}

/** The end of a command that runs until it is stopped, which is not a failure. */
export const endsWell = Effect.sync(() => {
  process.exitCode = 0
})

/** Clears the terminal. A reference, so that tests can replace it. */
export const Clear = Context.Reference<Effect.Effect<void>>("userspace-cni/Clear", {
  defaultValue: () => Effect.ignore(writeText("\x1b[H\x1b[2J"))
})

export interface Style {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
}

export const plain: Style = { strong: (text) => text, faint: (text) => text }

/** The lines of rows whose columns are as wide as their widest cells; the first row has every column. */
export const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  )
}

export const table = (
  heads: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  strong: (text: string) => string
): string => {
  const [head = "", ...lines] = aligned([heads, ...rows])
  return [strong(head), ...lines].join("\n")
}

interface Pod {
  readonly namespace: string
  readonly name: string
}

/** A pod as `--pod` takes it. */
export const podName = (pod: Pod | null | undefined): string => (pod ? `${pod.namespace}/${pod.name}` : "-")

interface Recorded {
  readonly record: {
    readonly ifName: string
    readonly containerId: string
    readonly network: string
    readonly pod?: Pod | undefined
  }
}

export const recordHeads = ["INTERFACE", "CONTAINER", "NETWORK", "POD", "RESULT"]

export const recordCells = ({ record: { containerId, ifName, network, pod } }: Recorded): ReadonlyArray<string> => [
  ifName,
  containerId.slice(0, 12),
  network,
  podName(pod)
]

/** `3 attachments: 2 unchanged, 1 differs.` */
export const summary = <O>(
  all: ReadonlyArray<O>,
  words: ReadonlyArray<readonly [outcome: O, one: string, several?: string]>
): string => {
  const counted = words.flatMap(([outcome, one, several = one]) => {
    const count = all.filter((other) => other === outcome).length
    return count === 0 ? [] : [`${count} ${count === 1 ? one : several}`]
  })
  return `${all.length} ${all.length === 1 ? "attachment" : "attachments"}: ${counted.join(", ")}.`
}

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

/** Fails with all problems, if there are any. */
export const failWith = (
  failed: string,
  problems: ReadonlyArray<{ readonly failed: string; readonly cure: string }>
): Effect.Effect<void, CommandLineError> => {
  if (problems.length === 0) return Effect.void
  const lines = (texts: ReadonlyArray<string>) => [...new Set(texts)].join("\n")
  return Effect.fail(
    asUser(failed, lines(problems.map((problem) => problem.failed)), lines(problems.map(({ cure }) => cure)))
  )
}

/** Prints all but the last, and fails with it. */
export const failWithEach = Effect.fnUntraced(function* (errors: ReadonlyArray<CommandLineError>) {
  const { style } = yield* InvocationContext
  for (const error of errors.slice(0, -1)) yield* Console.error(commandLineErrorText(error, style.strong))
  const last = errors.at(-1)
  if (last !== undefined) return yield* last
})

/** Reports failures that are new: one that lasts is reported once. */
export const complain = (told: ReadonlyArray<string>, now: ReadonlyArray<string>) =>
  Effect.forEach(
    now.filter((words) => !told.includes(words)),
    (words) => Console.error(`userspace: ${words}`),
    { discard: true }
  )

export const problemJson = ({ code, cure, failed }: Explained) => ({ code, failed, cure })

export const print = (json: boolean, document: unknown, text: string) =>
  Console.log(json ? JSON.stringify(document) : text)
