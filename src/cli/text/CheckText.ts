/** The result of CHECK of recorded attachments, as a table for people, as JSON, and as an error. Pure. */

import type { Checked } from "../../attachment/node/CheckNode.ts"
import { cureForDifferences } from "../../attachment/verbs/Check.ts"
import { CommandLineError } from "./CommandLineError.ts"
import type { Style } from "./PlanText.ts"
import { table } from "./Table.ts"

const heads = ["INTERFACE", "CONTAINER", "NETWORK", "POD", "RESULT"]

export const checkTable = (all: ReadonlyArray<Checked>, stateDir: string, { strong }: Style): string =>
  all.length === 0
    ? `No attachment has a record in ${stateDir}.`
    : [table(heads, all.flatMap(rows), strong), "", summary(all)].join("\n")

/** One line for each difference, so that it can be read and searched. */
const rows = (one: Checked): ReadonlyArray<ReadonlyArray<string>> => {
  const { containerId, ifName, network, pod } = one.record
  const names = [ifName, containerId.slice(0, 12), network, pod === undefined ? "-" : `${pod.namespace}/${pod.name}`]
  return results(one).map((result, index) => [...(index === 0 ? names : names.map(() => "")), result])
}

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

const words: ReadonlyArray<readonly [Checked["outcome"], one: string, several: string]> = [
  ["whole", "unchanged", "unchanged"],
  ["differs", "differs", "differ"],
  ["skipped", "skipped", "skipped"],
  ["failed", "unknown", "unknown"]
]

const summary = (all: ReadonlyArray<Checked>): string => {
  const counted = words.flatMap(([outcome, one, several]) => {
    const count = all.filter((checked) => checked.outcome === outcome).length
    return count === 0 ? [] : [`${count} ${count === 1 ? one : several}`]
  })
  return `${all.length} ${all.length === 1 ? "attachment" : "attachments"}: ${counted.join(", ")}.`
}

export const checkedJson = ({ differences, error, outcome, reason, record, warnings }: Checked) => ({
  network: record.network,
  containerId: record.containerId,
  ifName: record.ifName,
  pod: record.pod ?? null,
  outcome,
  differences,
  warnings,
  reason: reason ?? null,
  error: error === undefined ? null : { code: error.code, msg: error.msg, details: error.details }
})

/** Undefined: there are no differences, and everything could be compared. */
export const checkError = (all: ReadonlyArray<Checked>): CommandLineError | undefined => {
  const bad = all.filter(({ outcome }) => outcome === "differs" || outcome === "failed")
  if (bad.length === 0) return undefined
  const cures = bad.flatMap(({ error, outcome }) => [
    ...(outcome === "differs" ? [cureForDifferences] : []),
    ...(error === undefined ? [] : [error.details])
  ])
  return new CommandLineError({
    failed: bad.some(({ outcome }) => outcome === "differs") ? "changed since ADD" : "cannot compare",
    answer: bad
      .map(
        ({ record: { containerId, ifName, network } }) => `${ifName} of container ${containerId}, network ${network}`
      )
      .join("\n"),
    cure: [...new Set(cures)].join("\n")
  })
}
