/**
 * The recorded attachments of pods whose network has a kubeconfig. For repeated use: the records are read again only
 * when one was added or removed, or after a minute, because a repeated ADD may replace a record under the same name.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { idOf } from "../../attachment/heal/Decide.ts"
import { millis } from "../../attachment/heal/Look.ts"
import { configurationOfRecord } from "../../attachment/Recorded.ts"
import type { Record } from "../../attachment/records/Record.ts"
import { Records } from "../../attachment/records/Records.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf, type Pod } from "../../identity/Attachment.ts"
import { Files } from "../../platform/Files.ts"

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

const longest = 60_000

export const make = (variables: Variables) => {
  let known: { readonly all: ReadonlyArray<PodRecord>; readonly names: string; readonly at: number } | undefined
  return Effect.gen(function* () {
    const records = yield* Records
    const files = yield* Files
    const now = yield* millis
    const listed = yield* Effect.orElseSucceed(files.list(records.directory), (): ReadonlyArray<string> => [])
    const names = listed.join("/")
    if (known !== undefined && known.names === names && now - known.at < longest) return known.all
    const before = new Map(known?.all.map((one) => [one.id, one] as const))
    const all = yield* Effect.orElseSucceed(records.all, (): ReadonlyArray<Record> => [])
    known = {
      all: all.flatMap((record) => before.get(idOf(record)) ?? podRecordOf(record, variables) ?? []),
      names,
      at: now
    }
    return known.all
  })
}

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
