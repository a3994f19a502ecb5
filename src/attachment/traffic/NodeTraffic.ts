/**
 * The traffic of all attachments of a node: the counters of every switch, with the identities of the ports. For
 * repeated use. Changes nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { type Attachment, type Identity, keyOf } from "../../identity/Attachment.ts"
import type { PortTraffic } from "../../vswitch/Traffic.ts"
import { askAll, controlOf, keptRecords, type Silent } from "../node/Survey.ts"
import type { Switches } from "../node/Switches.ts"

export interface InterfaceTraffic {
  /** Undefined when only VPP has it, whose mark is too short for the names. */
  readonly who: (Identity & Pick<Attachment, "pod">) | undefined
  readonly at: Control
  readonly traffic: PortTraffic
}

export interface NodeTraffic {
  readonly interfaces: ReadonlyArray<InterfaceTraffic>
  /** Unreachable switches of the records. */
  readonly silent: ReadonlyArray<Silent>
  /** Other sources that could not be read. */
  readonly failures: ReadonlyArray<Explained>
}

/** `controls`: switches besides those of the records and the default ones. */
export const make = (switches: Switches, controls: ReadonlyArray<Control>, variables: Variables) => {
  const recorded = keptRecords((record) => {
    const { containerId, ifName, network, pod } = record
    const who: NonNullable<InterfaceTraffic["who"]> = { containerId, ifName, network, pod }
    return { key: keyOf(record), who, control: controlOf(record, variables) }
  })
  /** What was read before counts while the records cannot be read. */
  let known: Effect.Success<typeof recorded> = new Map()

  return Effect.gen(function* () {
    const read = yield* Effect.result(recorded)
    known = Result.getOrElse(read, () => known)
    const names = new Map([...known.values()].map(({ key, who }) => [key, who] as const))
    const named = [...controls, ...[...known.values()].flatMap(({ control }) => control ?? [])]
    const { answers, silent } = yield* askAll(named, variables, (at) =>
      Effect.flatMap(switches.at(at), ({ traffic }) => traffic)
    )
    const done: NodeTraffic = {
      interfaces: answers.flatMap(({ answer, at }) =>
        answer.map((traffic) => ({ who: names.get(traffic.key) ?? traffic.who, at, traffic }))
      ),
      silent,
      failures: Result.isFailure(read) ? [read.failure] : []
    }
    return done
  })
}
