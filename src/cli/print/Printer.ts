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

/** One value of a thing: a column of a table, a key of its JSON, or both. */
export interface Column<A> {
  readonly of: (one: A) => unknown
  /** Its key in JSON. Without one it is for people alone. */
  readonly key?: string
  /** Its head in a table. Without one it is for programs alone. */
  readonly head?: string
  /** For people, when it is not the value; several are lines below each other. */
  readonly text?: (one: A) => string | ReadonlyArray<string>
}

/** The values of the columns with a head, for people. Unknown values are `-`. */
export const cellsOf = <A>(columns: ReadonlyArray<Column<A>>, one: A): ReadonlyArray<ReadonlyArray<string>> =>
  columns
    .filter(({ head }) => head !== undefined)
    .map(({ of, text = (it: A) => String(of(it) || "-") }) => [text(one)].flat())

/** `heads`: these columns, in this order; otherwise all that have a head. */
export const table = <A>(
  all: ReadonlyArray<A>,
  described: ReadonlyArray<Column<A>>,
  { strong }: Style,
  heads = described.flatMap(({ head }) => head ?? [])
): string => {
  const columns = heads.flatMap((wanted) => described.find(({ head }) => head === wanted) ?? [])
  const rows = all.flatMap((one) => {
    const cells = cellsOf(columns, one)
    const height = Math.max(...cells.map(({ length }) => length))
    return Array.from({ length: height }, (_, line) => cells.map((lines) => lines[line] ?? ""))
  })
  const [head = "", ...lines] = aligned([heads, ...rows])
  return [strong(head), ...lines].join("\n")
}

export const jsonOf = <A>(columns: ReadonlyArray<Column<A>>, one: A): Readonly<Record<string, unknown>> =>
  Object.fromEntries(columns.flatMap(({ key, of }) => (key === undefined ? [] : [[key, of(one)]])))

interface Pod {
  readonly namespace: string
  readonly name: string
}

/** A pod as `--pod` takes it. */
export const podName = (pod: Pod | null | undefined): string => (pod ? `${pod.namespace}/${pod.name}` : "-")

interface Names {
  readonly network: string | null
  readonly containerId: string | null
  readonly ifName: string | null
  readonly pod?: Pod | null | undefined
}

/** The columns of a table of records. */
export const recordHeads = ["INTERFACE", "CONTAINER", "NETWORK", "POD", "RESULT"]

/** Columns of who an attachment is. */
export const who = <A>(of: (one: A) => Names) => ({
  network: { key: "network", head: "NETWORK", of: (one: A) => of(one).network },
  containerId: {
    key: "containerId",
    head: "CONTAINER",
    of: (one: A) => of(one).containerId,
    text: (one: A) => of(one).containerId?.slice(0, 12) || "-"
  },
  ifName: { key: "ifName", head: "INTERFACE", of: (one: A) => of(one).ifName },
  pod: { key: "pod", head: "POD", of: (one: A) => of(one).pod ?? null, text: (one: A) => podName(of(one).pod) }
})

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

/** Another failure is 1; of `doctor`, `lint` and `fleet` it is 2, because its 1 is findings, and a script must tell them apart. */
export const statusOf = (cause: Cause.Cause<unknown>, args: ReadonlyArray<string>): number => {
  const failure = Cause.squash(cause)
  if (failure instanceof ExitStatus) return failure.status
  const command = args[0] === "container" ? args[1] : args[0]
  return command === "doctor" || command === "lint" || command === "fleet" ? 2 : 1
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

export const errorJson = (error: Pick<CniError, "code" | "msg" | "details"> | undefined) =>
  error === undefined ? null : { code: error.code, msg: error.msg, details: error.details }

export const problemJson = ({ code, cure, failed }: Explained) => ({ code, failed, cure })

export const print = (json: boolean, document: unknown, text: string) =>
  Console.log(json ? JSON.stringify(document) : text)
