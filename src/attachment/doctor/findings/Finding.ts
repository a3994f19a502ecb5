/** The judgement of an inspection: findings, sound links of the chain, and what could not be inspected. Pure. */

import { shellWord } from "../../../platform/text/ShellWord.ts"
import { type FindingId, findings, type Severity } from "./Findings.ts"

export interface Finding {
  readonly id: FindingId
  readonly severity: Severity
  /** The observation. */
  readonly seen: string
  readonly cure: string
  /** For a shell. */
  readonly command: string
}

/** One link of the chain: `port: uspabc on bridge br0`. `unknown`: it could not be inspected, or has no source. */
export interface Link {
  readonly link: string
  readonly is: "well" | "found" | "unknown"
  readonly seen: string
}

export interface Judged {
  readonly links: ReadonlyArray<Link>
  readonly findings: ReadonlyArray<Finding>
  /** What could not be inspected: the answer is incomplete. */
  readonly unseen: ReadonlyArray<string>
}

export const nothing: Judged = { links: [], findings: [], unseen: [] }

export const together = (all: ReadonlyArray<Judged>): Judged => ({
  links: all.flatMap(({ links }) => links),
  findings: all.flatMap(({ findings }) => findings),
  unseen: [...new Set(all.flatMap(({ unseen }) => unseen))]
})

export const well = (link: string, seen: string): Judged => ({ ...nothing, links: [{ link, is: "well", seen }] })

/** There is no source for it, which is no failure. */
export const unknown = (link: string, seen: string): Judged => ({ ...nothing, links: [{ link, is: "unknown", seen }] })

/** The same as it was when its source was alive: nothing of it is sound for certain. */
export const asKept = (judged: Judged): Judged => ({
  ...judged,
  links: judged.links.map((one) => (one.is === "well" ? { ...one, is: "unknown" } : one))
})

/** There is a source, and this process could not read it. */
export const unseen = (link: string, why: string): Judged => ({
  links: [{ link, is: "unknown", seen: why }],
  findings: [],
  unseen: [`${link}: ${why}`]
})

/** The system denied it to this process, which says nothing of the rights of others. */
export const isDenied = (failed: string): boolean => /\b(EACCES|EPERM)\b/.test(failed)

export const found = (
  link: string,
  id: FindingId,
  seen: string,
  values: Readonly<Record<string, string>> = {}
): Judged => {
  const { command, cure, severity } = findings[id]
  // Others choose the names of files and pods, and people copy the command.
  const filled = (text: string, write: (value: string) => string) =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => (values[name] === undefined ? whole : write(values[name])))
  return {
    links: [{ link, is: severity === "note" ? "well" : "found", seen }],
    findings: [
      { id, severity, seen: `${link}: ${seen}`, cure: filled(cure, String), command: filled(command, shellWord) }
    ],
    unseen: []
  }
}
