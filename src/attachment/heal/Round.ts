/**
 * One round of healing: inspects, decides, acts, and reports findings and outcomes. There is one for each switch, so
 * that a hanging one delays no other, and one for what belongs to no switch: unusable records. `Keep.ts` decides when a
 * round runs.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import { type Explained, fromExplained } from "../../cni/spec/CniError.ts"
import type { Variables } from "../../cni/spec/Environment.ts"
import type { Identity } from "../../identity/Attachment.ts"
import { Deadlines } from "../../program/Deadlines.ts"
import { controlOf } from "../node/Inventory.ts"
import { distinct, standing } from "../node/Switches.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { readable } from "../verbs/Restore.ts"
import { type Acted, act, endingsOf, type Outcome, plan, type Tools } from "./Act.ts"
import { decide, due, type Memory, nothing, type Policy, remember } from "./Decide.ts"
import { look } from "./Look.ts"
import { millis } from "./Monotonic.ts"

export interface Options extends Tools {
  readonly repair: Policy["repair"]
  /** True: changes nothing. */
  readonly dry: boolean
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
  /** When a waiting action is due, on the clock of `Monotonic.ts`. */
  readonly due: number | undefined
}

/** `only`: these attachments; otherwise everything on the switch. */
export const ofSwitch = Effect.fn("heal.switch")(function* (
  at: Control,
  memory: Memory,
  options: Options,
  only?: ReadonlyArray<Identity>
) {
  const { dry, repair, switches, variables } = options
  const { total } = yield* Deadlines
  const vswitch = yield* switches.at(at)
  const when = yield* Clock.currentTimeMillis
  const seeing = yield* Effect.result(look({ at, vswitch, variables, only }))
  if (Result.isFailure(seeing)) {
    const none: OfSwitch = { at, when, looked: 0, found: [], silent: [seeing.failure], memory, due: undefined }
    return none
  }
  const sight = seeing.success
  const decision = decide(sight, memory, { repair, longest: total * 1_000 })
  const found = dry ? decision.findings.map(plan) : yield* act(decision.findings, at, options)
  const done: OfSwitch = {
    at,
    when,
    looked: sight.seen.length,
    found,
    // A default switch without attachments may be unreachable.
    silent: sight.seen.length === 0 ? [] : sight.silent,
    memory: remember(decision.memory, yield* millis, endingsOf(found)),
    due: due(decision.findings)
  }
  return done
})

/** A record that cannot be used. */
export interface Unusable {
  readonly kind: "damaged" | "unusable"
  /** Of a damaged record only the file's name is known. */
  readonly handle: string
  readonly record: Record | undefined
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
  const failures: Array<Explained> = []
  const orNothing = <A>(self: Effect.Effect<ReadonlyArray<A>, Explained>) =>
    Effect.catch(self, (error) =>
      Effect.sync((): ReadonlyArray<A> => {
        failures.push(error)
        return []
      })
    )
  const all = yield* orNothing(records.all)
  const damaged = yield* Effect.forEach(yield* orNothing(records.damaged), ({ error, handle }) =>
    Effect.map(
      dry ? Effect.succeed<Outcome>({ _tag: "Planned", words: "set it aside" }) : aside(handle),
      (outcome): Unusable => ({
        kind: "damaged",
        handle,
        record: undefined,
        words: error.failed,
        cure: error.cure,
        outcome
      })
    )
  )
  const named = [...all, ...(yield* orNothing(records.begun))].flatMap((record) => controlOf(record, variables) ?? [])
  const done: OfNode = {
    when: yield* Clock.currentTimeMillis,
    found: [...damaged, ...all.flatMap((record) => unusable(record, variables))],
    switches: distinct([...named, ...(yield* standing(variables))]),
    named: distinct(named),
    failures
  }
  return done
})

const aside = (handle: string) =>
  Effect.flatMap(Records, ({ setAside }) => setAside(handle)).pipe(
    Effect.match({
      onFailure: (error): Outcome => ({ _tag: "Failed", error: fromExplained(error) }),
      onSuccess: (path): Outcome =>
        path === undefined
          ? { _tag: "Passed", words: "it is no longer corrupt" }
          : { _tag: "Done", words: `set aside as ${path}` }
    })
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
  const done: Rounds = { node, switches }
  return done
})

/** The last rounds. */
export interface Rounds {
  readonly node: OfNode
  readonly switches: ReadonlyArray<OfSwitch>
}
