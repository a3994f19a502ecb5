/**
 * Looks at the attachments of pods again and again: which are new, and whether their application is connected. What
 * could not be offered yet is offered by a later look, if it is still true. It asks no switch about attachments whose
 * events cannot be sent.
 */
import * as Effect from "effect/Effect"
import { ask, millis } from "../../attachment/node/Survey.ts"
import { isSame, type Switches } from "../../attachment/node/Switches.ts"
import { Records } from "../../attachment/records/Records.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Pod } from "../../identity/Attachment.ts"
import { initial, isDue, kinds, type LookKind, type Observed, observe, sent } from "./Observed.ts"
import { byPod, type PodRecord, make as podRecords } from "./PodRecords.ts"
import type { Sink } from "./Sink.ts"

interface Seen {
  readonly one: PodRecord
  readonly port: string
}

const wordsOf = (kind: LookKind, { one: { control, record }, port }: Seen): string => {
  const which = `${record.ifName}: port ${port} of network ${record.network}`
  switch (kind) {
    case "Attached":
      return `${which} on ${control.engine}`
    case "Connected":
      return `${which}: an application is connected`
    case "NotConnected":
      return `${which}: no application has been connected for a minute`
  }
}

const cureOf = (kind: LookKind, { name, namespace }: Pod): string =>
  kind === "NotConnected"
    ? ` Start it in the role that \`userspace container show\` prints in the pod, or run \`userspace doctor --pod ${namespace}/${name}\` on the node.`
    : ""

const isWhole = (one: PodRecord) =>
  Effect.flatMap(Records, ({ settled }) => Effect.orElseSucceed(settled(one.record), () => false))

/** `started`: the agent's start, in milliseconds since 1970. */
export const make = (switches: Switches, variables: Variables, sink: Sink, started: number) => {
  const known = podRecords(variables)
  /** By the attachment's id. */
  const states = new Map<string, Observed>()
  const stateOf = ({ id, since }: PodRecord) => states.get(id) ?? initial(since < started)

  /** By key. An attachment is on one switch. */
  const connections = Effect.fnUntraced(function* (of: ReadonlyArray<PodRecord>) {
    // A switch that does not answer, by its own deadlines, is for healing to report.
    const { answers } = yield* ask(
      of.map(({ control }) => control),
      (at) => {
        const keys = of.filter(({ control }) => isSame(control, at)).map(({ key }) => key)
        return Effect.flatMap(switches.at(at), (vswitch) => vswitch.connections(keys))
      }
    )
    return new Map(answers.flatMap(({ answer }) => [...answer]))
  })

  /** The attachments with a port, and what is known of each since this look. */
  const look = Effect.gen(function* () {
    const all = yield* known
    const ids = new Set(all.map(({ id }) => id))
    for (const id of states.keys()) if (!ids.has(id)) states.delete(id)
    const on = yield* Effect.filter(all, ({ kubeconfig, pod }) =>
      Effect.map(sink.isOff(kubeconfig, pod.namespace), (isOff) => !isOff)
    )
    const found = yield* connections(on)
    const now = yield* millis
    const seen: Array<Seen> = []
    for (const one of all) {
      const connection = found.get(one.key)
      const before = stateOf(one)
      // Its ADD may be running.
      if (connection !== undefined && !before.attached && !(yield* isWhole(one))) continue
      states.set(one.id, observe(before, connection?.connected, now))
      if (connection !== undefined) seen.push({ one, port: connection.port })
    }
    return { seen, now }
  })

  return Effect.gen(function* () {
    const { now, seen } = yield* look
    for (const kind of kinds) {
      const due = seen.filter(({ one }) => isDue(stateOf(one), kind, now))
      for (const [{ kubeconfig, pod }, ofPod] of byPod(due)) {
        const note = `${ofPod.map((one) => wordsOf(kind, one)).join("; ")}.${cureOf(kind, pod)}`
        if (!(yield* sink.offer(kubeconfig, { kind, pod, note }))) continue
        for (const { one } of ofPod) states.set(one.id, sent(stateOf(one), kind))
      }
    }
  })
}
