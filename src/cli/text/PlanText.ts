/** A plan as text for people: every step in order, each with its rollback, then what is known of the end. Pure. */

import type { Change, Plan, Step } from "../../dry-run/plan/Plan.ts"
import { netChanges } from "./NetChanges.ts"
import { resultLines } from "./ResultText.ts"
import { callLines, joined, vppctlLines } from "./VppText.ts"

export interface Style {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
}

export const plain: Style = { strong: (text) => text, faint: (text) => text }

export const planText = (plan: Plan, style: Style = plain): string =>
  [
    style.strong(`Dry run of ${plan.verb}: ${plan.ifName} of container ${plan.containerId}, network ${plan.network}.`),
    "Nothing was changed.",
    ...plan.notes,
    ...plan.warnings.map((warning) => `Warning: ${warning}`),
    ...(plan.steps.length === 0 ? ["", "Nothing to do."] : []),
    ...plan.steps.flatMap((step, index) => ["", ...stepLines(plan, step, index, style)]),
    "",
    ...ending(plan)
  ].join("\n")

const stepLines = (plan: Plan, { changes, step, undo }: Step, index: number, style: Style): ReadonlyArray<string> => {
  const by = plan.verb === "ADD" && undo.length === 0 ? undoneBy(plan.steps, changes) : undefined
  return [
    style.strong(`${index + 1}. ${step}`),
    ...indent(changeLines(changes, style)),
    ...(undo.length > 0 ? [style.faint("   undo:"), ...indent(changeLines(undo, style))] : []),
    ...(by === undefined ? [] : [style.faint(`   undo: with step ${by + 1}`)])
  ]
}

const indent = (lines: ReadonlyArray<string>): ReadonlyArray<string> => lines.map((line) => `     ${line}`)

/** Returns the step whose rollback removes what these changes create. */
const undoneBy = (steps: ReadonlyArray<Step>, changes: ReadonlyArray<Change>): number | undefined => {
  const made = netChanges(changes).map(({ path }) => path)
  const at = steps.findIndex(({ undo }) => undo.some((change) => change.kind === "file" && made.includes(change.path)))
  return at < 0 ? undefined : at
}

/** The lines of one step. */
export const changeLines = (changes: ReadonlyArray<Change>, style: Style): ReadonlyArray<string> => {
  const files = netChanges(changes)
  const width = Math.max(...files.map(({ what }) => what.length))
  return [
    ...files.map(({ path, sign, what }) => `${sign} ${what.padEnd(width)}  ${path}`),
    ...joined(changes.filter(({ kind }) => kind !== "file")).flatMap((change) => otherLines(change, style))
  ]
}

const otherLines = (change: Change, { faint }: Style): ReadonlyArray<string> => {
  switch (change.kind) {
    case "file":
      return []
    case "ipam":
      return [
        change.program === null
          ? `run ${change.plugin} ${change.verb}: not found along CNI_PATH`
          : `run ${change.program} ${change.verb}`
      ]
    case "program":
      return [`run ${[change.program, ...change.args].join(" ")}`]
    case "https":
      return [`write the annotations of the pod: ${change.method} ${change.url}`]
    case "openflow":
      return [`one flow on bridge ${change.bridge}, the same as:`, ...faintly(change.ovsOfctl, faint)]
    case "vpp":
      return [
        `calls on ${change.socket}:`,
        ...callLines(change)
          .flatMap((line) => wrapped(line))
          .map((line) => `  ${line}`),
        "the same as:",
        ...vppctlLines(change).map((line) => faint(`  ${line}`))
      ]
    case "ovsdb":
      return [
        `one transaction on ${change.socket}:`,
        ...change.text.flatMap((line) => wrapped(line)).map((line) => `  ${line}`),
        "the same as:",
        ...faintly(change.ovsVsctl, faint)
      ]
  }
}

/** A command for a shell, one part a line, with continuation characters. */
const faintly = (command: string, faint: Style["faint"]): ReadonlyArray<string> => {
  const lines = command.split(" -- ").flatMap((part, index) => wrapped(index === 0 ? part : `  -- ${part}`))
  return lines.map((line, index) => faint(`  ${line}${index < lines.length - 1 ? " \\" : ""}`))
}

const columns = 104

/** Breaks a line between words and indents the following lines. */
const wrapped = (line: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let current = ""
  for (const word of line.split(/ (?=\S)(?![^(]*\))/)) {
    if (current !== "" && current.length + word.length >= columns) {
      lines.push(current)
      current = `      ${word}`
    } else current = current === "" ? word : `${current} ${word}`
  }
  return [...lines, current]
}

const ending = ({ error, result, steps, unknown, verb }: Plan): ReadonlyArray<string> => [
  ...(error === null
    ? succeeding(verb, result)
    : [`${verb} would fail here${steps.length > 0 ? ", and roll back" : ""}.`]),
  ...(error === null && unknown.length > 0
    ? ["Known only to the real call:", ...unknown.map((what) => `  ${what}`)]
    : [])
]

const succeeding = (verb: Plan["verb"], result: Plan["result"]): ReadonlyArray<string> => {
  switch (verb) {
    case "ADD":
      return ["ADD would return:", ...resultLines(result ?? undefined)]
    case "DEL":
      return ["DEL does not roll back: every step runs even if another fails, and the next DEL does the rest."]
    case "CHECK":
      return ["Nothing has changed since ADD."]
  }
}
