/** The report of `doctor` as text for people, as JSON, and as an exit status. Pure. */

import { groupBy } from "effect/Array"
import { type Examined, type Report, whole } from "../../attachment/doctor/Doctor.ts"
import type { Finding, Judged, Link } from "../../attachment/doctor/findings/Finding.ts"
import type { Style } from "./Printer.ts"

const signs: { readonly [K in Link["is"]]: string } = { well: "ok", found: "!!", unknown: "??" }

/** `all`: also the chains of sound attachments. */
export const doctorText = (report: Report, all: boolean, style: Style): string => {
  const shown = report.attachments.filter(({ judged }) => all || !isWell(judged))
  const rest = report.attachments.filter((one) => !shown.includes(one))
  const dark = rest.filter(({ inspected }) => !inspected).length
  const wellOnes = rest.length - dark
  return [
    ...linkLines("Node", report.node, style),
    ...shown.flatMap((one) => ["", ...linkLines(nameOf(one), one.judged, style)]),
    ...(rest.length === 0 ? [] : [""]),
    ...(wellOnes === 0 ? [] : [`${counted(wellOnes)} without findings.`]),
    ...(dark === 0 ? [] : [`${counted(dark)} not inspected: the switch did not answer, or was not asked.`]),
    "",
    ...findingLines([{ name: "node", judged: report.node }, ...report.attachments.map(named)], style)
  ].join("\n")
}

const counted = (number: number): string => `${number} ${number === 1 ? "attachment" : "attachments"}`

const named = (one: Examined) => ({ name: nameOf(one), judged: one.judged })

const isWell = ({ findings, unseen }: Judged): boolean => findings.length === 0 && unseen.length === 0

const nameOf = ({ containerId, ifName, network, pod }: Examined): string =>
  `${pod === null ? "" : `${pod.namespace}/${pod.name} `}${ifName ?? "interface unknown"}, container ${containerId.slice(0, 12)}, network ${network ?? "unknown"}`

export const linkLines = (name: string, { links }: Judged, { strong }: Style): ReadonlyArray<string> => {
  const width = Math.min(40, Math.max(...links.map(({ link }) => link.length)))
  return [strong(name), ...links.map(({ is, link, seen }) => `  ${signs[is]}  ${link.padEnd(width)}  ${seen}`)]
}

interface Named {
  readonly name: string
  readonly judged: Judged
}

/** The findings of one judgement, the worst first. */
export const findingLines = (all: ReadonlyArray<Named>, { faint, strong }: Style): ReadonlyArray<string> => {
  const findings = once(
    all.flatMap(({ judged, name }) => judged.findings.map((finding) => ({ name, finding }))),
    ({ finding: { command, id, seen } }) => [id, seen, command].join("\n")
  ).sort((one, other) => rank(one.finding) - rank(other.finding))
  const unseen = once(
    all.flatMap(({ judged, name }) => judged.unseen.map((why) => ({ name, why }))),
    ({ why }) => why
  ).map(({ name, why }) => `  ${name}: ${why}`)
  return [
    ...findings.flatMap(({ finding: { command, cure, id, seen, severity }, name }) => [
      strong(`${severity} ${id} (${name})`),
      `  ${seen}`,
      `  -> ${cure}`,
      faint(`     ${command}`)
    ]),
    ...(unseen.length === 0 ? [] : [strong("Not inspected:"), ...unseen]),
    findings.length === 0 && unseen.length === 0
      ? "No findings."
      : `${findings.length} ${findings.length === 1 ? "finding" : "findings"}${unseen.length === 0 ? "" : `, ${unseen.length} not inspected`}.`
  ]
}

/** What several have alike belongs to the node, or to what they share: the first of them, which names the others' number. */
const once = <A extends { readonly name: string }>(all: ReadonlyArray<A>, alike: (one: A) => string): Array<A> =>
  Object.values(groupBy(all, alike)).map(([first, ...others]) => ({
    ...first,
    name: others.length === 0 ? first.name : `${first.name}, and ${others.length} more`
  }))

const rank = ({ severity }: Finding): number => ["error", "warning", "note"].indexOf(severity)

/** 1: a finding needs a cure; 2: something could not be inspected; a note sets neither. */
export const statusOf = ({ findings, unseen }: Judged): 0 | 1 | 2 =>
  findings.some(({ severity }) => severity !== "note") ? 1 : unseen.length > 0 ? 2 : 0

export const doctorJson = (report: Report) => ({
  status: statusOf(whole(report)),
  node: report.node,
  attachments: report.attachments.map(({ judged, ...who }) => ({ ...who, ...judged }))
})
