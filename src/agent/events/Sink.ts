/**
 * Takes events for sending in the background. Nobody waits for it: what does not fit into the queue is dropped, and so is
 * what `Post.ts` cannot send.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { millis } from "../../attachment/heal/Look.ts"
import { undying } from "../../program/Undying.ts"
import type { Count, PodEvent } from "./PodEvent.ts"
import * as Post from "./Post.ts"

export interface Sink {
  /** False: there was an event of this kind and pod within the last minute. True: it is sent, or dropped. */
  readonly offer: (kubeconfig: string, event: PodEvent) => Effect.Effect<boolean>
  /** No event is sent with this kubeconfig to this namespace now. */
  readonly isOff: (kubeconfig: string, namespace: string) => Effect.Effect<boolean>
}

/** For the loops of this room. */
export const lasting = undying("events of pods are not told. Report this with the lines that follow.")

const most = 256
const minute = 60_000

/** The last event of a kind and pod. */
interface Last {
  readonly at: number
  /** The note that was held back since then. It is offered again and again while it is true, and counted once. */
  heldBack: string | undefined
}

/** Sends until the scope ends. */
export const make = Effect.fnUntraced(function* (count: Count) {
  const { isOff, post } = yield* Post.make(count)
  const queue = yield* Queue.dropping<Post.Dated>(most)
  const last = new Map<string, Last>()

  const offer: Sink["offer"] = Effect.fnUntraced(function* (kubeconfig, event) {
    const now = yield* millis
    const key = keyOf(event)
    const before = last.get(key)
    if (before !== undefined && now - before.at < minute) {
      if (before.heldBack !== event.note) count(event.kind, "limited")
      before.heldBack = event.note
      return false
    }
    for (const [other, { at }] of last) if (now - at >= minute) last.delete(other)
    last.set(key, { at: now, heldBack: undefined })
    const isQueued = Queue.offerUnsafe(queue, { kubeconfig, event, at: yield* Clock.currentTimeMillis })
    if (!isQueued) count(event.kind, "dropped")
    return true
  })

  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(queue), (one) => lasting(post(one)))))
  const sink: Sink = { offer, isOff }
  return sink
})

const keyOf = ({ kind, pod: { name, namespace, uid } }: PodEvent): string => [namespace, name, uid, kind].join("/")
