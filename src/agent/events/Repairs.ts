/** Events of what healing does: its rounds, what it leaves changed, and ends of a switch that a pod may have caused. */
import * as Effect from "effect/Effect"
import type { Acted } from "../../attachment/heal/Act.ts"
import type { End } from "../../attachment/heal/Ends.ts"
import type { OfSwitch } from "../../attachment/heal/Round.ts"
import { idOf } from "../../attachment/node/Survey.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Pod } from "../../identity/Attachment.ts"
import type { Kind } from "./PodEvent.ts"
import { byPod, podRecordOf } from "./PodRecords.ts"
import type { Sink } from "./Sink.ts"

export interface Round {
  readonly round: OfSwitch
  /** What is known of the switch now. */
  readonly last: OfSwitch
}

const doctor = ({ name, namespace }: Pod) => `\`userspace doctor --pod ${namespace}/${name}\` on the node`

const kindOf = ({ kind, outcome }: Acted): Kind | undefined => {
  if (kind === "changed") return "Differs"
  if (outcome._tag !== "Done") return undefined
  return kind === "stale" ? "StaleRemoved" : kind === "unrecorded" ? undefined : "Restored"
}

const cureOf = (kind: Kind, all: ReadonlyArray<Acted>, pod: Pod): string => {
  if (kind === "StaleRemoved") return "Nothing to do: its DEL had failed, or did not come."
  if (kind === "Restored")
    return `If the application does not connect again, restart its container, or run ${doctor(pod)}.`
  const failed = all.flatMap(({ outcome }) => (outcome._tag === "Failed" ? [outcome.error.details] : []))
  if (failed.length > 0) return failed.join(" ")
  return all.every(({ outcome }) => outcome._tag === "Done")
    ? "Nothing to do: it was set again."
    : "Revert the change, run `userspace agent --once --repair all` on the node, or delete the pod."
}

const wordsOf = ({ outcome, words }: Acted): string =>
  outcome._tag === "Done"
    ? `${words}; ${outcome.words}`
    : outcome._tag === "Failed"
      ? `${words}; ${outcome.error.msg}`
      : words

/** Offers the events of a round. */
export const ofRounds = (variables: Variables, sink: Sink) => {
  /** By switch, the differences whose event was sent: attachment and words. */
  const sent = new Map<string, ReadonlySet<string>>()

  const difference = (one: Acted): string | undefined =>
    one.kind === "changed" && "record" in one.about ? `${idOf(one.about.record)} ${one.words}` : undefined

  return Effect.fnUntraced(function* ({ last, round }: Round) {
    const name = `${round.at.engine} ${round.at.control}`
    const current = new Set(last.found.flatMap((one) => difference(one) ?? []))
    const differences = new Set([...(sent.get(name) ?? [])].filter((one) => current.has(one)))
    sent.set(name, differences)
    const events = round.found.flatMap((acted) => {
      const kind = kindOf(acted)
      const one = "record" in acted.about ? podRecordOf(acted.about.record, variables) : undefined
      const isNew = !differences.has(difference(acted) ?? "")
      return kind === undefined || one === undefined || !isNew ? [] : [{ kind, one, acted }]
    })
    for (const [kind, ofKind] of Map.groupBy(events, ({ kind }) => kind)) {
      for (const [{ kubeconfig, pod }, ofPod] of byPod(ofKind)) {
        const words = ofPod.map(({ acted, one }) => `${one.record.ifName}: ${wordsOf(acted)}`)
        const cure = cureOf(
          kind,
          ofPod.map(({ acted }) => acted),
          pod
        )
        const note = `${words.join("; ")}. ${cure}`
        if (!(yield* sink.offer(kubeconfig, { kind, pod, note }))) continue
        for (const { acted } of ofPod) {
          const different = difference(acted)
          if (different !== undefined) differences.add(different)
        }
      }
    }
  })
}

/** Offers the event of an end to the pod whose application may have caused it. */
export const ofEnds = (variables: Variables, sink: Sink) =>
  Effect.fnUntraced(function* ({ isIsolated, suspect }: End) {
    const one = suspect === undefined ? undefined : podRecordOf(suspect, variables)
    if (one === undefined) return
    const { kubeconfig, pod, record } = one
    const lift = `\`userspace restore --pod ${pod.namespace}/${pod.name}\` on the node`
    const event = isIsolated
      ? ({
          kind: "Isolated",
          note: `${record.ifName}: its port is left away, because VPP has ended again and again when it was put back. When the application is mended, run ${lift}.`
        } as const)
      : ({
          kind: "SwitchEnded",
          note: `${record.ifName}: VPP has ended, and the application of this port may have ended it: it was the last one to connect, or its port was the last one made. Look at what it sends on its socket.`
        } as const)
    yield* sink.offer(kubeconfig, { ...event, pod })
  })
