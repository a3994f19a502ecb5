/**
 * Asks the switches again and again about the attachments of pods: which are new, and whether their application is
 * connected. What could not be offered yet is offered the next time, if it is still true. No switch is asked about
 * attachments whose events cannot be sent.
 */
import * as Effect from "effect/Effect"
import { ask, millis } from "../../attachment/node/Survey.ts"
import { isSame, type Switches } from "../../attachment/node/Switches.ts"
import { Records } from "../../attachment/records/Records.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Pod } from "../../identity/Attachment.ts"
import { byPod, type PodRecord, make as podRecords } from "./PodRecords.ts"
import type { Sink } from "./Sink.ts"

/** The kinds of events that connections give; the others are of healing. */
const kinds = ["Attached", "Connected", "NotConnected"] as const
type ConnectionKind = (typeof kinds)[number]

interface Observed {
  /** Its event was sent, or it is older than this agent. */
  readonly attached: boolean
  /** The last state that was sent. `unseen`: it is older than this agent, which has not seen its port yet. */
  readonly connection: "connected" | "not connected" | "unseen" | undefined
  /** Since when no application is connected, in milliseconds. */
  readonly since: number | undefined
}

/** `isOld`: older than this agent. Another one has sent what happened, or there was none. */
const initial = (isOld: boolean): Observed => ({
  attached: isOld,
  connection: isOld ? "unseen" : undefined,
  since: undefined
})

/** `connected` undefined: the switch was not asked, or does not have the port. An application may connect meanwhile. */
const observe = (before: Observed, connected: boolean | undefined, now: number): Observed => {
  if (connected === undefined) return { ...before, since: undefined }
  const { connection, since = now } = before
  return {
    ...before,
    since: connected ? undefined : since,
    // The application that was there is no news. If there was none, the next one is.
    connection: connection !== "unseen" ? connection : connected ? "connected" : undefined
  }
}

/** An application has this long to connect. */
const patience = 60_000

/** Of an attachment whose port was seen just now. */
const isDue = ({ attached, connection, since }: Observed, kind: ConnectionKind, now: number): boolean => {
  switch (kind) {
    case "Attached":
      return !attached
    case "Connected":
      return since === undefined && connection !== "connected"
    case "NotConnected":
      return since !== undefined && now - since >= patience && connection !== "not connected"
  }
}

const sent = (before: Observed, kind: ConnectionKind): Observed =>
  kind === "Attached"
    ? { ...before, attached: true }
    : { ...before, connection: kind === "Connected" ? "connected" : "not connected" }

interface Present {
  readonly one: PodRecord
  readonly port: string
}

const wordsOf = (kind: ConnectionKind, { one: { control, record }, port }: Present): string => {
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

const cureOf = (kind: ConnectionKind, { name, namespace }: Pod): string =>
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

  /** The attachments with a port; what is known of each is of now. */
  const asked = Effect.gen(function* () {
    const all = yield* known
    const ids = new Set(all.map(({ id }) => id))
    for (const id of states.keys()) if (!ids.has(id)) states.delete(id)
    const on = yield* Effect.filter(all, ({ kubeconfig, pod }) =>
      Effect.map(sink.isOff(kubeconfig, pod.namespace), (isOff) => !isOff)
    )
    const answered = yield* connections(on)
    const now = yield* millis
    const present: Array<Present> = []
    for (const one of all) {
      const connection = answered.get(one.key)
      const before = stateOf(one)
      // Its ADD may be running.
      if (connection !== undefined && !before.attached && !(yield* isWhole(one))) continue
      states.set(one.id, observe(before, connection?.connected, now))
      if (connection !== undefined) present.push({ one, port: connection.port })
    }
    return { present, now }
  })

  return Effect.gen(function* () {
    const { now, present } = yield* asked
    for (const kind of kinds) {
      const due = present.filter(({ one }) => isDue(stateOf(one), kind, now))
      for (const [{ kubeconfig, pod }, ofPod] of byPod(due)) {
        const note = `${ofPod.map((one) => wordsOf(kind, one)).join("; ")}.${cureOf(kind, pod)}`
        if (!(yield* sink.offer(kubeconfig, { kind, pod, note }))) continue
        for (const { one } of ofPod) states.set(one.id, sent(stateOf(one), kind))
      }
    }
  })
}
