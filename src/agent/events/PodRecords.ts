/** The recorded attachments of pods whose network has a kubeconfig. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { idOf, keptRecords } from "../../attachment/node/Survey.ts"
import { configurationOfRecord } from "../../attachment/Recorded.ts"
import type { Record } from "../../attachment/records/Record.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf, type Pod } from "../../identity/Attachment.ts"

export interface PodRecord {
  /** An attachment that was added again has another one. */
  readonly id: string
  /** `keyOf` the attachment. */
  readonly key: string
  readonly record: Record
  readonly pod: Pod
  readonly kubeconfig: string
  readonly control: Control
  /** Time of the ADD, in milliseconds since 1970. */
  readonly since: number
}

/** Undefined: it is not of a pod, or its network has no kubeconfig. */
export const podRecordOf = (record: Record, variables: Variables): PodRecord | undefined => {
  const { pod } = record
  if (pod === undefined) return undefined
  const configuration = Result.getOrUndefined(configurationOfRecord(record, variables))
  const kubeconfig = configuration?.netConf.kubeconfig
  if (configuration === undefined || kubeconfig === undefined) return undefined
  const { control, engine } = configuration.port
  return {
    id: idOf(record),
    key: keyOf(record),
    record,
    pod,
    kubeconfig,
    control: { control, engine },
    since: Date.parse(record.since)
  }
}

/** For repeated use. While the records cannot be read there are none. */
export const make = (variables: Variables) =>
  Effect.map(
    Effect.orElseSucceed(
      keptRecords((record) => podRecordOf(record, variables)),
      (): ReadonlyMap<string, PodRecord | undefined> => new Map()
    ),
    (all) => [...all.values()].flatMap((one) => one ?? [])
  )

/** In groups: one event names all attachments of a pod that it concerns, net2 before net10. */
export const byPod = <A extends { readonly one: PodRecord }>(
  all: ReadonlyArray<A>
): ReadonlyArray<readonly [Pick<PodRecord, "kubeconfig" | "pod">, ReadonlyArray<A>]> =>
  [
    ...Map.groupBy(all, ({ one: { kubeconfig, pod } }) =>
      [kubeconfig, pod.namespace, pod.name, pod.uid].join(" ")
    ).values()
  ].flatMap((ofPod) => {
    const sorted = ofPod.toSorted((a, b) => inOrder.compare(a.one.record.ifName, b.one.record.ifName))
    return sorted.slice(0, 1).map(({ one }) => [one, sorted] as const)
  })

const inOrder = new Intl.Collator("en", { numeric: true })
