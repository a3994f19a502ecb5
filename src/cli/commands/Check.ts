/** `userspace check` from the records of this node, or with `--config` one call by hand. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Checked, checkNode } from "../../attachment/node/CheckNode.ts"
import { narrows } from "../../attachment/node/Selection.ts"
import { Records } from "../../attachment/records/Records.ts"
import { cureForDifferences } from "../../attachment/verbs/Check.ts"
import { fromExplained } from "../../cni/types/CniError.ts"
import { withPluginPath } from "../input/Flags.ts"
import { onNode } from "../input/OnNode.ts"
import { selected, selectorFrom } from "../input/Selected.ts"
import {
  type Column,
  CommandLineError,
  errorJson,
  failWithEach,
  fromCni,
  InvocationContext,
  jsonOf,
  print,
  problemJson,
  recordHeads,
  type Style,
  summary,
  table,
  who
} from "../print/Printer.ts"
import { performCall } from "./Add.ts"
import { performRecorded, placed, type RecordedOptions, recordedFlags, stateDirFrom } from "./Del.ts"

const perform = Effect.fnUntraced(function* (options: RecordedOptions) {
  yield* placed(options)
  const { config } = options
  if (Option.isSome(config)) return yield* performCall("CHECK")({ ...options, config: config.value })
  if (options.dryRun) return yield* performRecorded("CHECK", options)
  const { style, variables } = yield* InvocationContext
  const stateDir = stateDirFrom(options)
  const selector = yield* selectorFrom(options)
  const { checked, damaged } = yield* onNode(stateDir, (switches) =>
    Effect.gen(function* () {
      const chosen = yield* selected("check", stateDir, selector)
      const checked = yield* checkNode(switches, chosen, withPluginPath(options, variables))
      const failed = fromCni("check")
      const damaged = narrows(selector)
        ? []
        : yield* Effect.mapError((yield* Records).damaged, (error) => failed(fromExplained(error)))
      return { checked, damaged: damaged.map(({ error }) => error) }
    })
  )
  const document = { attachments: checked.map((one) => jsonOf(columns, one)), damaged: damaged.map(problemJson) }
  yield* print(options.json, document, checkTable(checked, stateDir, style))
  yield* failWithEach([
    ...checkErrors(checked),
    ...damaged.map(
      ({ code, cure, failed }) =>
        new CommandLineError({ failed: `cannot check an attachment (code ${code})`, answer: failed, cure })
    )
  ])
})

const checkTable = (all: ReadonlyArray<Checked>, stateDir: string, style: Style): string => {
  if (all.length === 0) return `No attachment has a record in ${stateDir}.`
  const outcomes = all.map(({ outcome }) => outcome)
  return [table(all, columns, style, recordHeads), "", summary(outcomes, words)].join("\n")
}

/** One line for each difference, so that it can be read and searched. */
const results = ({ differences, error, outcome, reason, warnings }: Checked): ReadonlyArray<string> => {
  const warned = warnings.map((warning) => `warning: ${warning}`)
  switch (outcome) {
    case "whole":
      return ["unchanged since ADD", ...warned]
    case "differs":
      return [...differences.map((difference) => `differs: ${difference}`), ...warned]
    case "skipped":
      return [`skipped: ${reason ?? ""}`]
    case "failed":
      return [`unknown: ${error?.msg ?? ""}`, ...warned]
  }
}

const words: ReadonlyArray<readonly [Checked["outcome"], one: string, several?: string]> = [
  ["whole", "unchanged"],
  ["differs", "differs", "differ"],
  ["skipped", "skipped"],
  ["failed", "unknown"]
]

const names = who(({ record }: Checked) => record)

const columns: ReadonlyArray<Column<Checked>> = [
  ...[names.network, names.containerId, names.ifName, names.pod],
  { key: "outcome", head: "RESULT", of: ({ outcome }) => outcome, text: results },
  { key: "differences", of: ({ differences }) => differences },
  { key: "warnings", of: ({ warnings }) => warnings },
  { key: "reason", of: ({ reason }) => reason ?? null },
  { key: "error", of: ({ error }) => errorJson(error) }
]

/** None: there are no differences, and everything could be compared. */
const checkErrors = (all: ReadonlyArray<Checked>): ReadonlyArray<CommandLineError> => {
  const bad = all.filter(({ outcome }) => outcome === "differs" || outcome === "failed")
  if (bad.length === 0) return []
  const cures = bad.flatMap(({ error, outcome }) => [
    ...(outcome === "differs" ? [cureForDifferences] : []),
    ...(error === undefined ? [] : [error.details])
  ])
  const answer = bad
    .map(({ record: { containerId, ifName, network } }) => `${ifName} of container ${containerId}, network ${network}`)
    .join("\n")
  const failed = bad.some(({ outcome }) => outcome === "differs") ? "changed since ADD" : "cannot compare"
  return [new CommandLineError({ failed, answer, cure: [...new Set(cures)].join("\n") })]
}

export const command = Command.make("check", recordedFlags, perform).pipe(
  Command.withExamples([
    { command: "userspace check", description: "Is everything on this node unchanged since ADD?" },
    { command: "userspace check --pod default/web-0", description: "Is one pod?" }
  ])
)
