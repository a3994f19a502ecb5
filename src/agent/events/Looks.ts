/**
 * Looks at the attachments of pods again and again: which are new, and whether their application is connected. What
 * could not be told yet is told by a later look, if it is still true. It does not look while nothing could be told.
 */
import * as Effect from "effect/Effect"
import { millis } from "../../attachment/heal/Look.ts"
import { distinct, isSame, type Switches } from "../../attachment/node/Switches.ts"
import { Records } from "../../attachment/records/Records.ts"
import type { Variables } from "../../cni/spec/Environment.ts"
import type { Pod } from "../../identity/Attachment.ts"
import type { Connection } from "../../vswitch/Vswitch.ts"
import type { Kind } from "./PodEvent.ts"
import { type PodRecord, make as podRecords } from "./PodRecords.ts"
import type { Sink } from "./Sink.ts"

/** What is known of an attachment. */
interface State {
  /** Its event was sent, or it is older than this agent. */
  attached: boolean
  /** The last state that was told. `unseen`: it is older than this agent, which has not seen its application yet. */
  connection: "connected" | "not connected" | "unseen" | undefined
  /** Since when no application is connected. */
  since: number | undefined
}

interface Told {
  readonly one: PodRecord
  readonly state: State
  readonly port: string
}

/** An application has this long to connect. */
const patience = 60_000
/** A switch that does not answer is for healing to report. */
const switchPatience = "10 seconds"

/** `started`: the agent's start, in milliseconds since 1970. An attachment that is older was told by another agent. */
export const make = (switches: Switches, variables: Variables, sink: Sink, started: number) => {
  const states = new Map<string, State>()
  const known = podRecords(variables)

  const stateOf = ({ id, since }: PodRecord): State => {
    const isOld = since < started
    const state = states.get(id) ?? { attached: isOld, connection: isOld ? "unseen" : undefined, since: undefined }
    states.set(id, state)
    return state
  }

  /** One event for all of a pod's attachments that have come to this. */
  const tell = Effect.fnUntraced(function* (
    kind: Kind,
    all: ReadonlyArray<Told>,
    words: (told: Told) => string,
    cure: (pod: Pod) => string,
    then: (state: State) => void
  ) {
    for (const ofPod of Map.groupBy(all, ({ one: { kubeconfig, pod } }) =>
      [kubeconfig, pod.namespace, pod.name, pod.uid].join(" ")
    ).values()) {
      const [first] = ofPod
      if (first === undefined) continue
      const { kubeconfig, pod } = first.one
      const note = `${ofPod.map(words).join("; ")}.${cure(pod)}`
      if (yield* sink.offer(kubeconfig, { kind, pod, note })) for (const { state } of ofPod) then(state)
    }
  })

  const isWhole = (one: PodRecord) =>
    Effect.flatMap(Records, ({ settled }) => Effect.orElseSucceed(settled(one.record), () => false))

  /** By key. An attachment is on one switch. */
  const connections = Effect.fnUntraced(function* (of: ReadonlyArray<PodRecord>) {
    const asked = yield* Effect.forEach(
      distinct(of.map(({ control }) => control)),
      (at) => {
        const keys = of.filter(({ control }) => isSame(control, at)).map(({ key }) => key)
        return switches.at(at).pipe(
          Effect.flatMap((vswitch) => vswitch.connections(keys)),
          Effect.timeout(switchPatience),
          Effect.orElseSucceed((): ReadonlyMap<string, Connection> => new Map())
        )
      },
      { concurrency: "unbounded" }
    )
    return new Map(asked.flatMap((found) => [...found]))
  })

  const observe = (state: State, { connected }: Connection, now: number) => {
    state.since = connected ? undefined : (state.since ?? now)
    // Told by an earlier agent, or before there was one. Without an application, the next one that connects is news.
    if (state.connection === "unseen") state.connection = connected ? "connected" : undefined
  }

  return Effect.gen(function* () {
    const all = yield* known
    const ids = new Set(all.map(({ id }) => id))
    for (const id of states.keys()) if (!ids.has(id)) states.delete(id)
    const [looked, off] = yield* Effect.partition(all, (one) =>
      Effect.flatMap(sink.isOff(one.kubeconfig, one.pod.namespace), (isOff) =>
        isOff ? Effect.fail(one) : Effect.succeed(one)
      )
    )
    // What nobody looks at may connect meanwhile.
    for (const one of off) stateOf(one).since = undefined
    const found = yield* connections(looked)
    const now = yield* millis
    const there: Array<Told> = []
    for (const one of looked) {
      const connection = found.get(one.key)
      const state = stateOf(one)
      if (connection === undefined) {
        state.since = undefined
        continue
      }
      if (!state.attached && !(yield* isWhole(one))) continue
      observe(state, connection, now)
      there.push({ one, state, port: connection.port })
    }
    const which = ({ one: { record }, port }: Told) => `${record.ifName}: port ${port} of network ${record.network}`
    yield* tell(
      "Attached",
      there.filter(({ state }) => !state.attached),
      (told) => `${which(told)} on ${told.one.control.engine}`,
      () => "",
      (state) => {
        state.attached = true
      }
    )
    yield* tell(
      "Connected",
      there.filter(({ state: { connection, since } }) => since === undefined && connection !== "connected"),
      (told) => `${which(told)}: an application is connected`,
      () => "",
      (state) => {
        state.connection = "connected"
      }
    )
    yield* tell(
      "NotConnected",
      there.filter(
        ({ state: { connection, since } }) =>
          since !== undefined && now - since >= patience && connection !== "not connected"
      ),
      (told) => `${which(told)}: no application has been connected for a minute`,
      (pod) =>
        ` Start it in the role that \`userspace container show\` prints in the pod, or run \`userspace doctor --pod ${pod.namespace}/${pod.name}\` on the node.`,
      (state) => {
        state.connection = "not connected"
      }
    )
  })
}
