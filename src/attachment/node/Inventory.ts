/**
 * Finds attachments in all sources: records, switches and container configs. Unreachable sources are reported; the rest
 * is still listed. Changes nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { Vswitch } from "../../vswitch/Vswitch.ts"
import type { ObservedLegacyPort } from "../legacy/LegacyNode.ts"
import { joined, type ObservedAttachment, observed, observedPort, whoseTold } from "../ObservedAttachment.ts"
import { configurationOfRecord } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { distinct, isSame, type Switches, standing } from "./Switches.ts"

interface Wanted {
  /** Undefined: of every network. */
  readonly network: string | undefined
  /** Additional switches, besides those of the records and the default ones. */
  readonly controls: ReadonlyArray<Control>
  /** The shared directory; undefined: container configs are not read. */
  readonly base: string | undefined
  readonly variables: Variables
}

/** An unreachable switch. */
export interface Silent {
  readonly at: Control
  readonly error: Explained
}

export interface Inventory {
  readonly found: ReadonlyArray<ObservedAttachment>
  /** Ports of the original plugin's fork, of any network: their marks do not name it. */
  readonly legacy: ReadonlyArray<ObservedLegacyPort>
  /** Unreachable switches that a record or the caller names. Others are not reported. */
  readonly silent: ReadonlyArray<Silent>
  /** Why sources could not be inspected, those switches first. */
  readonly problems: ReadonlyArray<Explained>
}

/** Continues without a source that cannot be read, and keeps the reason. */
export const collecting = () => {
  const failures: Array<Explained> = []
  const orNothing = <A>(self: Effect.Effect<ReadonlyArray<A>, Explained>): Effect.Effect<ReadonlyArray<A>> =>
    Effect.catch(self, (error) => {
      failures.push(error)
      return Effect.succeed([])
    })
  return { failures, orNothing }
}

export const takeInventory = Effect.fn("inventory")(function* (switches: Switches, wanted: Wanted) {
  const records = yield* Records
  const sharedDir = yield* SharedDir
  const { base, network, variables } = wanted
  const ofNetwork = <A extends { readonly network: string }>(all: ReadonlyArray<A>) =>
    all.filter((one) => network === undefined || one.network === network)

  const { failures, orNothing } = collecting()
  const recorded = ofNetwork(yield* orNothing(records.all))
  const begun = ofNetwork(yield* orNothing(records.begun))
  const told = base === undefined ? [] : yield* orNothing(sharedDir.published(base))

  const named = distinct([...wanted.controls, ...recorded.flatMap((record) => controlOf(record, variables) ?? [])])
  const controls = distinct([...named, ...(yield* standing(variables))])
  const ports: Array<ObservedAttachment> = []
  const legacy: Array<ObservedLegacyPort> = []
  const silent: Array<Silent> = []
  const asked = yield* Effect.forEach(
    controls,
    (at) => Effect.map(Effect.result(Effect.flatMap(switches.at(at), portsOn(network))), (answer) => ({ at, answer })),
    { concurrency: "unbounded" }
  )
  for (const { answer, at } of asked) {
    if (Result.isSuccess(answer)) {
      ports.push(...answer.success.marked.map((owned) => observedPort({ at, owned })))
      legacy.push(...answer.success.legacy.map((port) => ({ at, port })))
    } else if (named.some((one) => isSame(one, at))) silent.push({ at, error: answer.failure })
    else yield* Effect.logWarning(`${answer.failure.failed}; skipped`)
  }
  const found = joined([
    ...recorded.map((record) => observed(record, { record })),
    ...ports,
    ...begun.map((begun) => observed(begun, { begun })),
    ...ofNetwork(told.flatMap((one) => whoseTold(one) ?? [])).map((one) => observed(one))
  ])
  return { found, legacy, silent, problems: [...silent.map(({ error }) => error), ...failures] } satisfies Inventory
})

const portsOn = (network: string | undefined) =>
  Effect.fnUntraced(function* (vswitch: Vswitch["Service"]) {
    return { marked: yield* vswitch.list(network), legacy: yield* (yield* vswitch.legacy).list }
  })

/** Returns the switch of the ADD; undefined when its configuration is no longer valid. */
export const controlOf = (record: Record, variables: Variables): Control | undefined =>
  Result.match(configurationOfRecord(record, variables), {
    onFailure: () => undefined,
    onSuccess: ({ port: { control, engine } }) => ({ control, engine })
  })
