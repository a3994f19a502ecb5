/** What `verify` found, for people, as a page without anything from outside, and as JSON. Pure. */
import type { Outcome, Report } from "../../verify/Verify.ts"
import type { Style } from "./Printer.ts"

const units = [
  ["readyP50Seconds", "Ready p50", "s"],
  ["readyP99Seconds", "p99", "s"],
  ["allReadySeconds", "all", "s"],
  ["readySeconds", "Ready", "s"],
  ["goneSeconds", "gone", "s"],
  ["allGoneSeconds", "gone", "s"],
  ["adds", "ADDs", ""],
  ["addP50Milliseconds", "ADD p50", "ms"],
  ["addP99Milliseconds", "ADD p99", "ms"]
] as const

export const measuredText = ({ measured }: Outcome): string =>
  units
    .flatMap(([key, words, unit]) => {
      const value = measured[key]
      if (value === undefined) return []
      const digits = unit === "s" ? 1 : 0
      return [`${words} ${value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`]
    })
    .join(", ")

const said = ({ error, why = "" }: Outcome): string =>
  error === undefined ? why : `${error.failed}: ${error.answer}\n-> ${error.cure}`

interface Named {
  readonly node: string
  readonly name: string
  readonly on?: { readonly engine: string } | undefined
}

export interface Widths {
  readonly node: number
  readonly name: number
}

/** The cases are known before the first has ended: the table is printed a line at a time. */
export const widthsOf = (cases: ReadonlyArray<Named>): Widths => ({
  node: Math.max(4, ...cases.map(({ node }) => node.length)),
  name: Math.max(4, ...cases.map(({ name }) => name.length))
})

const row = (cells: readonly [string, string, string, string, string, string], { name, node }: Widths): string => {
  const [state, seconds, at, engine, what, more] = cells
  const columns = [state.padEnd(7), seconds.padStart(7), at.padEnd(node), engine.padEnd(8), what.padEnd(name), more]
  return columns.join("  ").trimEnd()
}

export const head = (widths: Widths, { strong }: Style): string =>
  strong(row(["RESULT", "SECONDS", "NODE", "SWITCH", "CASE", "MEASURED"], widths))

export const line = (outcome: Outcome, widths: Widths): string => {
  const { engine, name, node, seconds, state } = outcome
  const isSkipped = state === "skipped"
  const first = row(
    [
      state,
      isSkipped ? "-" : seconds.toFixed(1),
      node,
      engine || "-",
      name,
      isSkipped ? said(outcome) : measuredText(outcome)
    ],
    widths
  )
  const more = state === "failed" ? said(outcome).split("\n") : []
  return [first, ...more.map((words) => `  ${words}`)].join("\n")
}

const counted = (outcomes: ReadonlyArray<Outcome>, state: Outcome["state"]): number =>
  outcomes.filter((one) => one.state === state).length

export const summaryText = ({ known, left, outcomes, seconds }: Report): string =>
  [
    "",
    `${counted(outcomes, "ok")} ok, ${counted(outcomes, "failed")} failed, ${counted(outcomes, "skipped")} skipped, in ${Math.round(seconds)} s.`,
    left.length === 0 ? "Nothing is left." : "Left:",
    ...left.map((words) => `  ${words}`),
    ...known.map((words) => `Left, as asked for: ${words}`)
  ].join("\n")

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const tableOf = (heads: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = (all: ReadonlyArray<string>, tag: string) =>
    all.map((text) => `<${tag}>${escaped(text).replaceAll("\n", "<br>")}</${tag}>`).join("")
  const body = rows.map((one) => `<tr class="${escaped(one[0] ?? "")}">${cells(one, "td")}</tr>`).join("\n")
  return `<table>\n<tr>${cells(heads, "th")}</tr>\n${body}\n</table>`
}

const style =
  "body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222;background:#fff}" +
  "table{border-collapse:collapse;width:100%;margin:1em 0}th,td{text-align:left;vertical-align:top;padding:.3em .7em;border-bottom:1px solid #ccc}" +
  "tr.failed td:first-child{color:#a00;font-weight:bold}tr.ok td:first-child{color:#060}tr.skipped{color:#666}"

export const html = (report: Report): string => {
  const { began, image, known, left, outcomes, version, versions } = report
  const title = `userspace verify: ${report.status === 0 ? "passed" : "failed"}`
  const list = (all: ReadonlyArray<string>) => `<ul>${all.map((words) => `<li>${escaped(words)}</li>`).join("")}</ul>`
  return [
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${style}</style></head><body>`,
    `<h1>${title}</h1>`,
    `<p>${escaped(
      `${began}. ${
        summaryText({ ...report, known: [], left: [] })
          .trim()
          .split("\n")[0] ?? ""
      }`
    )}</p>`,
    "<h2>Cases</h2>",
    tableOf(
      ["Result", "Seconds", "Node", "Switch", "Case", "Measured, or why"],
      outcomes.map((one) => [
        one.state,
        one.state === "skipped" ? "" : one.seconds.toFixed(1),
        one.node,
        one.engine,
        one.name,
        one.state === "ok" ? measuredText(one) : said(one)
      ])
    ),
    "<h2>Left</h2>",
    left.length === 0 ? "<p>Nothing.</p>" : list(left),
    known.length === 0 ? "" : `<p>As asked for:</p>${list(known)}`,
    "<h2>Versions</h2>",
    `<p>${escaped(`userspace ${version}, image ${image}, Kubernetes ${versions.kubernetes}`)}</p>`,
    tableOf(
      ["Node", "Plugin", "Switches", "kubelet", "Runtime", "Kernel", "System"],
      versions.nodes.map(({ kernel, kubelet, node, plugin, runtime, switches, system }) => [
        node,
        plugin,
        switches.join(", "),
        kubelet,
        runtime,
        kernel,
        system
      ])
    ),
    "</body></html>\n"
  ].join("\n")
}
