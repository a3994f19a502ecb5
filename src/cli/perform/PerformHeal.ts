/**
 * `userspace agent --once`: one round of healing by hand, or what it would do. A round as a table for people, as JSON,
 * and for the agent's status.
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Acted, Outcome } from "../../attachment/heal/Act.ts"
import type { Policy } from "../../attachment/heal/Decide.ts"
import type { Seen } from "../../attachment/heal/Look.ts"
import { type OfSwitch, once, type Rounds, type Unusable } from "../../attachment/heal/Round.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import { withPluginPath } from "../input/AttachmentFlags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { podName, type Style, table } from "../text/Table.ts"
import { failWith, onNodeSwept, print, problemJson } from "./Node.ts"

interface HealOptions {
  readonly stateDir: string
  readonly cniPath: Option.Option<string>
  readonly repair: Policy["repair"]
  readonly dryRun: boolean
  readonly json: boolean
}

export const perform = Effect.fnUntraced(function* ({ cniPath, dryRun, json, repair, stateDir }: HealOptions) {
  const { style, variables: own } = yield* InvocationContext
  const variables = withPluginPath({ cniPath }, own)
  const rounds = yield* onNodeSwept(stateDir, dryRun, (switches) => once({ switches, variables, repair, dry: dryRun }))
  yield* print(json, healedJson(rounds, dryRun), healedText(rounds, dryRun, style))
  yield* failWith("the round is incomplete; the next round tries again", failuresOf(rounds))
})

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

const problemsOf = ({ node, switches }: Rounds): ReadonlyArray<Explained> => [
  ...switches.flatMap(({ silent }) => silent),
  ...node.failures
]

const healedJson = (rounds: Rounds, dry: boolean) => ({
  dryRun: dry,
  looked: lookedAt(rounds),
  findings: healed(rounds),
  problems: problemsOf(rounds).map(problemJson)
})

const lookedAt = ({ switches }: Rounds): number => switches.reduce((sum, { looked }) => sum + looked, 0)

const heads = ["NETWORK", "POD", "CONTAINER", "INTERFACE", "FOUND", "RESULT"]

const healedText = (rounds: Rounds, dry: boolean, { strong }: Style): string => {
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
  podName(pod),
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
const failuresOf = (rounds: Rounds): ReadonlyArray<{ readonly failed: string; readonly cure: string }> => [
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
