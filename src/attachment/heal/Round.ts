/**
 * One round of healing: inspects, decides, acts, and reports findings and outcomes; for each switch, and for what
 * belongs to no switch: unusable records. `Keep.ts` decides when a round runs.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import { type Explained, fromExplained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { type Identity, shortId } from "../../identity/Attachment.ts"
import { Deadlines } from "../../program/Step.ts"
import { collecting, controlOf, millis } from "../node/Survey.ts"
import { distinct, standing } from "../node/Switches.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { isIsolated, suspects } from "../records/Suspects.ts"
import { readable } from "../verbs/Restore.ts"
import { type Acted, act, endingsOf, type Outcome, plan, type Tools } from "./Act.ts"
import { decide, due, type Memory, never, nothing, type Policy, remember } from "./Decide.ts"
import { look } from "./Look.ts"

export interface Options extends Tools {
  readonly repair: Policy["repair"]
  /** True: changes nothing. */
  readonly dry: boolean
  readonly heldUntil?: Policy["heldUntil"]
}

export interface OfSwitch {
  readonly at: Control
  /** Time of the round, in milliseconds since 1970. */
  readonly when: number
  /** Number of inspected attachments. */
  readonly looked: number
  readonly found: ReadonlyArray<Acted>
  /** What could not be inspected, and why. */
  readonly silent: ReadonlyArray<Explained>
  readonly memory: Memory
  /** When a waiting action is due, on the clock of `millis`; infinite: there is none. */
  readonly due: number
}

/** `only`: these attachments; otherwise everything on the switch. */
export const ofSwitch = Effect.fn("heal.switch")(function* (
  at: Control,
  memory: Memory,
  options: Options,
  only?: ReadonlyArray<Identity>
) {
  const { dry, heldUntil = () => 0, repair, switches, variables } = options
  const { total } = yield* Deadlines
  const vswitch = yield* switches.at(at)
  const when = yield* Clock.currentTimeMillis
  const seeing = yield* Effect.result(look({ at, vswitch, variables, only }))
  if (Result.isFailure(seeing)) {
    return { at, when, looked: 0, found: [], silent: [seeing.failure], memory, due: never } satisfies OfSwitch
  }
  const sight = seeing.success
  const known = yield* suspects
  const kept = { isIsolated: (record: Record) => isIsolated(known, record), heldUntil }
  const decision = decide(sight, memory, { repair, longest: total * 1_000, ...kept })
  const found = dry ? decision.findings.map(plan) : yield* act(decision.findings, at, options)
  return {
    at,
    when,
    looked: sight.seen.length,
    found,
    // A default switch without attachments may be unreachable.
    silent: sight.seen.length === 0 ? [] : sight.silent,
    memory: remember(decision.memory, yield* millis, endingsOf(found)),
    due: due(decision.findings)
  } satisfies OfSwitch
})

/** A record that cannot be used. */
export interface Unusable {
  readonly kind: "damaged" | "unusable"
  /** Of a damaged record only the file's name is known. */
  readonly handle: string
  readonly record?: Record
  readonly words: string
  readonly cure: string
  readonly outcome: Outcome
}

export interface OfNode {
  readonly when: number
  readonly found: ReadonlyArray<Unusable>
  /** The switches of the records, and the default ones that exist. */
  readonly switches: ReadonlyArray<Control>
  /** The switches of the records. A default switch that no record names may be unreachable. */
  readonly named: ReadonlyArray<Control>
  readonly failures: ReadonlyArray<Explained>
}

export const ofNode = Effect.fn("heal.node")(function* ({ dry, variables }: Pick<Options, "dry" | "variables">) {
  const records = yield* Records
  const { failures, orNothing } = collecting()
  const all = yield* orNothing(records.all)
  const damaged = yield* Effect.forEach(yield* orNothing(records.damaged), ({ error, handle }) =>
    Effect.map(
      dry ? Effect.succeed<Outcome>({ _tag: "Planned", words: "set it aside" }) : aside(handle),
      (outcome): Unusable => ({ kind: "damaged", handle, words: error.failed, cure: error.cure, outcome })
    )
  )
  const named = all.flatMap((record) => controlOf(record, variables) ?? [])
  return {
    when: yield* Clock.currentTimeMillis,
    found: [...damaged, ...all.flatMap((record) => unusable(record, variables))],
    switches: distinct([...named, ...(yield* standing(variables))]),
    named: distinct(named),
    failures
  } satisfies OfNode
})

const aside = (handle: string) =>
  Effect.match(
    Effect.flatMap(Records, ({ setAside }) => setAside(handle)),
    {
      onFailure: (error): Outcome => ({ _tag: "Failed", error: fromExplained(error) }),
      onSuccess: (path): Outcome =>
        path === undefined
          ? { _tag: "Passed", words: "it is no longer corrupt" }
          : { _tag: "Done", words: `set aside as ${path}` }
    }
  )

/** Its port may be sound, which cannot be determined. */
const unusable = (record: Record, variables: Variables): ReadonlyArray<Unusable> =>
  Result.match(readable(record, variables), {
    onSuccess: () => [],
    onFailure: ({ details, msg }) => [
      { kind: "unusable", handle: record.handle, record, words: msg, cure: details, outcome: { _tag: "Reported" } }
    ]
  })

/** A complete round, without earlier memory. */
export const once = Effect.fn("heal.once")(function* (options: Options) {
  const node = yield* ofNode(options)
  const switches = yield* Effect.forEach(node.switches, (at) => ofSwitch(at, nothing, options), {
    concurrency: "unbounded"
  })
  return { node, switches } satisfies Rounds
})

/** The last rounds. */
export interface Rounds {
  readonly node: OfNode
  readonly switches: ReadonlyArray<OfSwitch>
}

/** Earlier findings that still exist. */
export type Reported = Set<string>

/** Logs actions, and findings that are new since the round before. `partial`: not everything was inspected. */
export const logNew = Effect.fnUntraced(function* (
  told: Reported,
  found: ReadonlyArray<Acted | Unusable>,
  partial = false
) {
  const before = new Set(told)
  if (!partial) told.clear()
  for (const one of found) {
    // A call changed it between inspection and action: nothing was wrong.
    if (one.outcome._tag === "Passed") continue
    const line = `${nameOf(one)}: ${one.words}${said(one.outcome)}`
    if (one.outcome._tag === "Done") {
      yield* Effect.logInfo(line)
      continue
    }
    told.add(line)
    if (!before.has(line)) yield* Effect.logWarning(line)
  }
})

const nameOf = (one: Acted | Unusable): string => {
  if ("handle" in one) return one.record === undefined ? `record ${one.handle}` : named(one.record)
  return named("record" in one.about ? one.about.record : one.about)
}

const named = (one: { readonly network: string; readonly containerId: string; readonly ifName: string }): string =>
  one.ifName === "" ? `container ${shortId(one)}` : `${one.ifName} of container ${shortId(one)}, network ${one.network}`

const said = (outcome: Outcome): string => {
  if (outcome._tag === "Reported") return ""
  return outcome._tag === "Failed" ? `: ${outcome.error.msg} ${outcome.error.details}` : `; ${outcome.words}`
}
