/** What a round of healing found and did, as a table for people, as JSON, and as errors. Pure. */
import type { Acted, Outcome } from "../../attachment/heal/Act.ts"
import type { OfSwitch, Rounds, Unusable } from "../../attachment/heal/Round.ts"
import type { Seen } from "../../attachment/heal/Sight.ts"
import type { Explained } from "../../cni/spec/CniError.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import type { Style } from "./PlanText.ts"
import { table } from "./Table.ts"

/** One finding of any kind, in the form of `--json`. Null: unknown. */
interface Healed {
  readonly finding: Acted["kind"] | Unusable["kind"]
  readonly network: string | null
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string } | null
  readonly containerId: string | null
  readonly ifName: string | null
  readonly engine: string | null
  readonly control: string | null
  readonly words: string
  readonly outcome: "done" | "failed" | "passed" | "planned" | "waits" | "reported"
  /** What was done, would be done, or why it was not done. */
  readonly did: string | null
  readonly error: { readonly code: number; readonly msg: string; readonly details: string } | null
}

export const healed = ({ node, switches }: Rounds): ReadonlyArray<Healed> => [
  ...switches.flatMap((round) => round.found.map((one) => ofSwitch(round, one))),
  ...node.found.map(ofNode)
]

const ofSwitch = ({ at }: OfSwitch, { about, kind, outcome, words }: Acted): Healed => ({
  finding: kind,
  ...namesOf(about),
  engine: at.engine,
  control: at.control,
  words,
  ...ended(outcome)
})

/** VPP's mark is too short for the names. */
const namesOf = (about: Seen | Owned) => {
  const { containerId, ifName, network, pod } = "record" in about ? about.record : about
  return { network: network || null, pod: pod ?? null, containerId, ifName: ifName || null }
}

const ofNode = ({ kind, outcome, record, words }: Unusable): Healed => ({
  finding: kind,
  network: record?.network ?? null,
  pod: record?.pod ?? null,
  containerId: record?.containerId ?? null,
  ifName: record?.ifName ?? null,
  engine: null,
  control: null,
  words,
  ...ended(outcome)
})

const ended = (outcome: Outcome): Pick<Healed, "outcome" | "did" | "error"> => {
  switch (outcome._tag) {
    case "Done":
      return { outcome: "done", did: outcome.words, error: null }
    case "Passed":
      return { outcome: "passed", did: outcome.words, error: null }
    case "Planned":
      return { outcome: "planned", did: outcome.words, error: null }
    case "Waits":
      return { outcome: "waits", did: outcome.words, error: null }
    case "Reported":
      return { outcome: "reported", did: null, error: null }
    case "Failed": {
      const { code, details, msg } = outcome.error
      return { outcome: "failed", did: null, error: { code, msg, details } }
    }
  }
}

const problemsOf = ({ node, switches }: Rounds): ReadonlyArray<Explained> => [
  ...switches.flatMap(({ silent }) => silent),
  ...node.failures
]

export const healedJson = (rounds: Rounds, dry: boolean) => ({
  dryRun: dry,
  looked: lookedAt(rounds),
  findings: healed(rounds),
  problems: problemsOf(rounds).map(({ code, cure, failed }) => ({ code, failed, cure }))
})

const lookedAt = ({ switches }: Rounds): number => switches.reduce((sum, { looked }) => sum + looked, 0)

const heads = ["NETWORK", "POD", "CONTAINER", "INTERFACE", "FOUND", "RESULT"]

export const healedText = (rounds: Rounds, dry: boolean, { strong }: Style): string => {
  const all = healed(rounds)
  const looked = lookedAt(rounds)
  const counted = `${looked} ${looked === 1 ? "attachment" : "attachments"}`
  const head = dry ? `Dry run of a round of healing: ${counted}. Nothing was changed.` : `Inspected ${counted}.`
  return all.length === 0
    ? [head, "", problemsOf(rounds).length === 0 ? "No differences." : "Nothing was found."].join("\n")
    : [head, "", table(heads, all.map(cells), strong)].join("\n")
}

const cells = ({ containerId, did, error, finding, ifName, network, outcome, pod, words }: Healed) => [
  network ?? "-",
  pod === null ? "-" : `${pod.namespace}/${pod.name}`,
  containerId?.slice(0, 12) ?? "-",
  ifName ?? "-",
  finding,
  [result(outcome, did), error === null ? words : `${words}: ${error.msg}`].join("; ")
]

const result = (outcome: Healed["outcome"], did: string | null): string => {
  switch (outcome) {
    case "done":
      return did ?? "done"
    case "failed":
      return "failed"
    case "passed":
      return `nothing done (${did})`
    case "planned":
      return `would ${did}`
    case "waits":
      return did ?? "a later round"
    case "reported":
      return "not changed"
  }
}

/** Returns the failures with their cures, without duplicates. */
export const failuresOf = (rounds: Rounds): ReadonlyArray<{ readonly failed: string; readonly cure: string }> => [
  ...problemsOf(rounds),
  ...healed(rounds).flatMap(({ error }) => (error === null ? [] : [{ failed: error.msg, cure: error.details }]))
]

/** Part of the agent's status: omits sound attachments and findings that were resolved. */
export const healingStatus = (rounds: Rounds) => ({
  at: new Date(Math.max(rounds.node.when, ...rounds.switches.map(({ when }) => when))).toISOString(),
  looked: lookedAt(rounds),
  findings: healed(rounds)
    .filter(({ outcome }) => outcome !== "passed")
    .map(({ containerId, finding, ifName, network, outcome, words }) => ({
      finding,
      network,
      containerId,
      interface: ifName,
      words,
      outcome
    })),
  problems: problemsOf(rounds).map(({ cure, failed }) => ({ failed, cure }))
})
