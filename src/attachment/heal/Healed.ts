/** The findings of a round of healing in one form: that of `--json`, of the table, and of the agent's status. Pure. */

import type { Explained } from "../../cni/types/CniError.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import type { Acted, Outcome } from "./Act.ts"
import type { Seen } from "./Look.ts"
import type { OfSwitch, Rounds, Unusable } from "./Round.ts"

/** One finding of any kind, in the form of `--json`. Null: unknown. */
export interface Healed {
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
const namesOf = (about: Pick<Seen, "record"> | Owned) => {
  const { containerId, ifName, network, pod } = "record" in about ? about.record : about
  return { network: network || null, pod: pod ?? null, containerId, ifName: ifName || null }
}

const ofNode = ({ kind, outcome, record, words }: Unusable): Healed => ({
  finding: kind,
  ...(record === undefined ? { network: null, pod: null, containerId: null, ifName: null } : namesOf({ record })),
  engine: null,
  control: null,
  words,
  ...ended(outcome)
})

const outcomes = { Done: "done", Passed: "passed", Planned: "planned", Waits: "waits" } as const

const ended = (outcome: Outcome): Pick<Healed, "outcome" | "did" | "error"> => {
  if (outcome._tag === "Reported") return { outcome: "reported", did: null, error: null }
  if (outcome._tag !== "Failed") return { outcome: outcomes[outcome._tag], did: outcome.words, error: null }
  const { code, details, msg } = outcome.error
  return { outcome: "failed", did: null, error: { code, msg, details } }
}

export const problemsOf = ({ node, switches }: Rounds): ReadonlyArray<Explained> => [
  ...switches.flatMap(({ silent }) => silent),
  ...node.failures
]

export const lookedAt = ({ switches }: Rounds): number => switches.reduce((sum, { looked }) => sum + looked, 0)

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
