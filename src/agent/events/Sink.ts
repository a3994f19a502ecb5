/**
 * Takes events for sending in the background. Nobody waits for it: what does not fit into the queue is dropped, and so is
 * what cannot be sent. An event is sent with the credentials of the pod's network, without retries. After a failure the
 * API server is left alone for a while. Each failure is logged once a kubeconfig, not once a pod.
 */

import { hostname } from "node:os"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { millis } from "../../attachment/node/Survey.ts"
import { ask } from "../../kubernetes/ApiServer.ts"
import { readAccess } from "../../kubernetes/Credentials.ts"
import { PodsError, type Reason } from "../../kubernetes/PodsError.ts"
import { Files } from "../../platform/Files.ts"
import { Https } from "../../platform/Https.ts"
import { undying } from "../../program/Undying.ts"
import { bodyOf, type Count, type PodEvent, pathOf } from "./PodEvent.ts"

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
  const { isOff, post } = yield* makePost(count)
  const queue = yield* Queue.dropping<Dated>(most)
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

interface Dated {
  readonly kubeconfig: string
  readonly event: PodEvent
  /** When it happened, in milliseconds since 1970. */
  readonly at: number
}

/** Without the right to create events. */
const refusedFor = 600_000
/** The API server is away, or the credentials are not valid: both end without anybody's doing. */
const awayFor = 60_000

const makePost = Effect.fnUntraced(function* (count: Count) {
  const files = yield* Files
  const https = yield* Https
  const pauses = makePauses()
  const logged = makeLogged()

  const isOff = (kubeconfig: string, namespace: string) =>
    Effect.map(millis, (now) => pauses.has(kubeconfig, namespace, now))

  const failed = Effect.fnUntraced(function* ({ event, kubeconfig }: Dated, server: string, reason: Reason) {
    const { name, namespace } = event.pod
    count(event.kind, resultOf(reason))
    const pause = pauseOf(reason)
    if (pause === undefined) return
    const { everywhere, time } = pause
    if (time > 0) pauses.add(kubeconfig, everywhere ? undefined : namespace, yield* millis, time)
    if (isAway(reason) || !logged.isNew(kubeconfig, namespace, reason)) return
    const error = new PodsError({ server, operation: `create an event of pod ${namespace}/${name}`, reason })
    yield* reason._tag === "Forbidden"
      ? Effect.logInfo(`${error.failed}. ${allow(kubeconfig)}`)
      : Effect.logWarning(`${error.failed}. ${error.cure}`)
  })

  const post = Effect.fnUntraced(function* (dated: Dated) {
    const { at, event, kubeconfig } = dated
    const { namespace } = event.pod
    if (yield* isOff(kubeconfig, namespace)) return count(event.kind, "dropped")
    let server = ""
    yield* readAccess(files, { kubeconfig }).pipe(
      Effect.mapError((problem): Reason => ({ _tag: "NoAccess", ...problem })),
      Effect.flatMap((access) => {
        server = access.server
        const id = crypto.randomUUID().slice(0, 8)
        return ask(https, access, {
          method: "POST",
          path: pathOf(event),
          body: bodyOf(event, { instance: hostname(), at, id })
        })
      }),
      Effect.matchEffect({
        onFailure: (reason) => failed(dated, server, reason),
        onSuccess: () =>
          Effect.sync(() => {
            count(event.kind, "posted")
            logged.clear(kubeconfig, namespace)
          })
      })
    )
  })

  return { isOff, post }
})

const allow = (kubeconfig: string): string =>
  `Allow the user of ${kubeconfig} to create events (docs/kubernetes.md), or start the agent with --events=off.`

const isAway = ({ _tag }: Reason): boolean => _tag === "Unreachable" || _tag === "TooSlow" || _tag === "Busy"

const resultOf = ({ _tag }: Reason) =>
  _tag === "Unreachable" || _tag === "TooSlow" || _tag === "NoAccess" || _tag === "Untrusted" ? "failed" : "refused"

interface Pause {
  readonly time: number
  /** For all namespaces of this kubeconfig. */
  readonly everywhere: boolean
}

/** Undefined: nobody has to know. */
const pauseOf = (reason: Reason): Pause | undefined => {
  switch (reason._tag) {
    // The namespace is gone, or another event has the name.
    case "NotFound":
    case "Conflict":
      return undefined
    case "Forbidden":
      // The account has the right; the pods of this namespace are being deleted. Otherwise a right or a quota is missing,
      // which may be the namespace's.
      return reason.said.includes("being terminated") ? undefined : { time: refusedFor, everywhere: false }
    case "Refused":
      return { time: 0, everywhere: false }
    default:
      return { time: awayFor, everywhere: true }
  }
}

const makePauses = () => {
  const ends = new Map<string, number>()
  const keyOf = (kubeconfig: string, namespace: string | undefined) => `${namespace ?? ""} ${kubeconfig}`
  return {
    has: (kubeconfig: string, namespace: string, now: number): boolean =>
      [undefined, namespace].some((of) => (ends.get(keyOf(kubeconfig, of)) ?? 0) > now),
    /** Namespaces come and go, so what is over is forgotten. */
    add: (kubeconfig: string, namespace: string | undefined, now: number, time: number): void => {
      for (const [key, end] of ends) if (end <= now) ends.delete(key)
      ends.set(keyOf(kubeconfig, namespace), now + time)
    }
  }
}

/** The failures in the log, until an event is accepted. */
const makeLogged = () => {
  const known = new Map<string, { readonly kubeconfig: string; readonly namespace: string | undefined }>()
  return {
    isNew: (kubeconfig: string, namespace: string, { _tag }: Reason): boolean => {
      const key = `${_tag} ${kubeconfig}`
      if (known.has(key)) return false
      known.set(key, { kubeconfig, namespace: _tag === "Forbidden" ? namespace : undefined })
      return true
    },
    /** A right of another namespace may still be missing. */
    clear: (kubeconfig: string, namespace: string): void => {
      for (const [key, one] of known) {
        if (one.kubeconfig === kubeconfig && (one.namespace ?? namespace) === namespace) known.delete(key)
      }
    }
  }
}
