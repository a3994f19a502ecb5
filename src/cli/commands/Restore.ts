/** `userspace restore`, or its dry run. Every failure is reported, the last one as the command's. */
import * as Command from "effect/cli/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { engineFor, services } from "../../app/Composition.ts"
import { type Restored, type RestoredNode, restoreRound, stepOf } from "../../attachment/heal/RestoreRound.ts"
import { type Ambiguous, narrows, type Selector } from "../../attachment/node/Selection.ts"
import type { RecordError } from "../../attachment/records/RecordError.ts"
import { defaultLogOptions } from "../../cni/network/LogOptions.ts"
import { type CniError, type Explained, fromExplained } from "../../cni/types/CniError.ts"
import { dryRunRestore, type RestorePlan } from "../../dry-run/DryRun.ts"
import * as Log from "../../program/Log.ts"
import { jsonFlag, selectorFlags, stateDirFlag, timeoutFlag, yes } from "../input/Flags.ts"
import { ambiguous, notFound, selectorFrom } from "../input/Selected.ts"
import { changeLines } from "../print/PlanText.ts"
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

const flags = {
  stateDir: stateDirFlag,
  ...selectorFlags,
  timeout: timeoutFlag("30s", "Time to wait for a switch that is starting, and for an ADD that is running"),
  dryRun: yes("dry-run", "Change nothing; print what would be restored, and by which calls"),
  json: jsonFlag
}
type RestoreOptions = Command.Command.Config.Infer<typeof flags>

const perform = Effect.fnUntraced(function* (options: RestoreOptions) {
  const selector = yield* selectorFrom(options)
  const { attachments, damaged } = yield* options.dryRun ? plan(options, selector) : make(options, selector)
  if (attachments.length === 0 && narrows(selector)) return yield* notFound("restore", options.stateDir, selector)
  yield* failWithEach([...restoreComplaints(attachments), ...damaged.map(fromDamaged)])
})

const make = Effect.fnUntraced(function* ({ json, stateDir, timeout }: RestoreOptions, selector: Selector) {
  const { style, variables } = yield* InvocationContext
  const done = yield* restoreRound({ variables, engine: engineFor, millis: Duration.toMillis(timeout), selector }).pipe(
    Effect.mapError(because("restore")),
    Effect.withTracerEnabled(false),
    Effect.provide(services(stateDir)),
    Effect.provide(Log.layer(defaultLogOptions))
  )
  const { attachments, damaged } = done
  const document = { dryRun: false, attachments: attachments.map(restoredJson), damaged: damaged.map(problemJson) }
  yield* print(json, document, restoreTable(attachments, { ...style, stateDir, dry: false }))
  return done
})

const plan = Effect.fnUntraced(function* ({ json, stateDir }: RestoreOptions, selector: Selector) {
  const { style, variables } = yield* InvocationContext
  const planned = yield* dryRunRestore(stateDir, variables, selector).pipe(
    Effect.mapError(because("dry run of restore"))
  )
  yield* print(json, plannedJson(planned), plannedText(planned, { ...style, stateDir, dry: true }))
  const done: RestoredNode = planned
  return done
})

const because =
  (what: string) =>
  (error: Ambiguous | CniError | RecordError): CommandLineError =>
    error._tag === "Ambiguous"
      ? ambiguous(error)
      : fromCni(what)(error._tag === "RecordError" ? fromExplained(error) : error)

const fromDamaged = ({ code, cure, failed }: Explained) =>
  new CommandLineError({ failed: `cannot restore an attachment (code ${code})`, answer: failed, cure })

interface Shown extends Style {
  readonly stateDir: string
  readonly dry: boolean
}

export const restoreTable = (all: ReadonlyArray<Restored>, style: Shown): string => {
  const { dry, stateDir } = style
  if (all.length === 0) return `No attachment has a record in ${stateDir}.`
  const outcomes = all.map(({ result }) => result.outcome)
  return [table(all, columns(dry), style, recordHeads), "", summary(outcomes, words(dry))].join("\n")
}

const said = (result: Restored["result"], dry: boolean): string => {
  switch (result.outcome) {
    case "restored":
      return `${dry ? "would be restored" : "restored"}: ${result.made.join(", ")}`
    case "there":
      return `present: ${result.port}`
    case "skipped":
      return `skipped: ${result.reason}`
    case "failed":
      return dry ? "would fail" : "failed"
  }
}

const words = (dry: boolean): ReadonlyArray<readonly [Restored["result"]["outcome"], string]> => [
  ["restored", dry ? "would be restored" : "restored"],
  ["there", "present"],
  ["skipped", "skipped"],
  ["failed", dry ? "would fail" : "failed"]
]

const names = who(({ record }: Restored) => record)

const columns = (dry: boolean): ReadonlyArray<Column<Restored>> => [
  ...[names.network, names.containerId, names.ifName, names.pod],
  { key: "outcome", head: "RESULT", of: ({ result }) => result.outcome, text: ({ result }) => said(result, dry) },
  { key: "port", of: ({ result }) => ("port" in result ? result.port : null) },
  { key: "made", of: ({ result }) => ("made" in result ? result.made : []) },
  { key: "reason", of: ({ result }) => ("reason" in result ? result.reason : null) },
  { key: "error", of: ({ result }) => errorJson("error" in result ? result.error : undefined) }
]

const restoredJson = (one: Restored) => jsonOf(columns(false), one)

const plannedJson = ({ attachments, damaged, notes, warnings }: RestorePlan) => ({
  dryRun: true,
  notes,
  warnings,
  attachments: attachments.map((one) => ({ ...restoredJson(one), changes: one.changes })),
  damaged: damaged.map(problemJson)
})

/** The plan for each attachment, and then the table. */
const plannedText = ({ attachments, notes, warnings }: RestorePlan, style: Shown): string =>
  [
    style.strong("Dry run of restore."),
    "Nothing was changed.",
    ...notes,
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...attachments
      .filter(({ changes, result }) => result.outcome === "restored" && changes.length > 0)
      .flatMap(({ changes, record }, index) => [
        "",
        style.strong(`${index + 1}. ${stepOf(record)}`),
        ...changeLines(changes, style).map((line) => `     ${line}`)
      ]),
    "",
    restoreTable(attachments, style)
  ].join("\n")

/** One error for each cause: a switch that is down fails all its ports alike. */
const restoreComplaints = (all: ReadonlyArray<Restored>): ReadonlyArray<CommandLineError> => {
  const byError = new Map<string, Array<Restored>>()
  for (const one of all) {
    if (one.result.outcome !== "failed") continue
    const { code, details, msg } = one.result.error
    const key = JSON.stringify([code, msg, details])
    byError.set(key, [...(byError.get(key) ?? []), one])
  }
  return [...byError.values()].flatMap((alike) => {
    const [first] = alike
    return first?.result.outcome === "failed" ? [commandLineError(alike, first.result.error)] : []
  })
}

const commandLineError = (
  alike: ReadonlyArray<Restored>,
  { code, details, msg }: { readonly code: number; readonly msg: string; readonly details: string }
) => {
  const names = alike.map(({ record }) => `${record.ifName} of container ${record.containerId.slice(0, 12)}`)
  const [name = "", ...others] = names
  return new CommandLineError({
    failed: `cannot restore ${others.length === 0 ? name : `${names.length} attachments`} (code ${code})`,
    answer: others.length === 0 ? msg : `${msg}\n${shortened(names)}`,
    cure: details
  })
}

const shortened = (names: ReadonlyArray<string>): string =>
  names.length <= 4 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`

export const command = Command.make("restore", flags, perform).pipe(
  Command.withExamples([
    { command: "userspace restore", description: "After VPP was restarted" },
    { command: "userspace restore --dry-run", description: "See what VPP has lost" }
  ])
)
