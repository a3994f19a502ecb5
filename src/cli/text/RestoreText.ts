/** The outcome of a restore for a node, as a table for people, as JSON, and as errors. Pure. */
import { type Restored, stepOf } from "../../attachment/node/RestoreNode.ts"
import type { Explained } from "../../cni/spec/CniError.ts"
import type { RestorePlan } from "../../dry-run/RestoreDryRun.ts"
import { CommandLineError } from "./CommandLineError.ts"
import { changeLines, type Style } from "./PlanText.ts"
import { table } from "./Table.ts"

const heads = ["INTERFACE", "CONTAINER", "NETWORK", "POD", "RESULT"]

/** The records' directory, and whether this is a dry run. */
interface Shown extends Style {
  readonly stateDir: string
  readonly dry: boolean
}

export const restoreTable = (all: ReadonlyArray<Restored>, { dry, stateDir, strong }: Shown): string => {
  if (all.length === 0) return `No attachment has a record in ${stateDir}.`
  const rows = all.map((one) => cells(one, dry))
  return [table(heads, rows, strong), "", summary(all, dry)].join("\n")
}

const cells = ({ record, result }: Restored, dry: boolean): ReadonlyArray<string> => [
  record.ifName,
  record.containerId.slice(0, 12),
  record.network,
  record.pod === undefined ? "-" : `${record.pod.namespace}/${record.pod.name}`,
  said(result, dry)
]

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

const words: ReadonlyArray<readonly [Restored["result"]["outcome"], string, string]> = [
  ["restored", "restored", "would be restored"],
  ["there", "present", "present"],
  ["skipped", "skipped", "skipped"],
  ["failed", "failed", "would fail"]
]

const summary = (all: ReadonlyArray<Restored>, dry: boolean): string => {
  const counted = words.flatMap(([outcome, done, planned]) => {
    const count = all.filter(({ result }) => result.outcome === outcome).length
    return count === 0 ? [] : [`${count} ${dry ? planned : done}`]
  })
  return `${all.length} ${all.length === 1 ? "attachment" : "attachments"}: ${counted.join(", ")}.`
}

export const restoredJson = ({ record, result }: Restored) => ({
  network: record.network,
  containerId: record.containerId,
  ifName: record.ifName,
  pod: record.pod ?? null,
  outcome: result.outcome,
  port: result.outcome === "restored" || result.outcome === "there" ? result.port : null,
  made: result.outcome === "restored" ? result.made : [],
  reason: result.outcome === "skipped" ? result.reason : null,
  error:
    result.outcome === "failed"
      ? { code: result.error.code, msg: result.error.msg, details: result.error.details }
      : null
})

export const damagedJson = ({ code, cure, failed }: Explained) => ({ code, failed, cure })

export const plannedJson = ({ attachments, damaged, notes, warnings }: RestorePlan) => ({
  dryRun: true,
  notes,
  warnings,
  attachments: attachments.map((one) => ({ ...restoredJson(one), changes: one.changes })),
  damaged: damaged.map(damagedJson)
})

/** The plan for each attachment, and then the table. */
export const plannedText = ({ attachments, notes, warnings }: RestorePlan, style: Shown): string =>
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
export const restoreComplaints = (all: ReadonlyArray<Restored>): ReadonlyArray<CommandLineError> => {
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
