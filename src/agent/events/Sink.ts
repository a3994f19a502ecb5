/**
 * Sends events in the background, with the credentials of the pod's network. Nobody waits for it: what does not fit into
 * the queue, or meets an API server that is away or refuses, is dropped. No retries.
 */
import { hostname } from "node:os"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { millis } from "../../attachment/heal/Monotonic.ts"
import { ask } from "../../kubernetes/ApiServer.ts"
import { readAccess } from "../../kubernetes/Credentials.ts"
import { PodsError, type Reason } from "../../kubernetes/PodsError.ts"
import { Files } from "../../platform/Files.ts"
import { Https } from "../../platform/Https.ts"
import { bodyOf, type PodEvent, pathOf } from "./PodEvent.ts"

export interface Sink {
  /** False: there was an event of this kind and pod within the last minute. True: it is sent, or dropped. */
  readonly offer: (kubeconfig: string, event: PodEvent) => Effect.Effect<boolean>
  /** No event is sent with this kubeconfig now. */
  readonly isOff: (kubeconfig: string) => Effect.Effect<boolean>
}

const most = 256
const minute = 60_000
/** Without the right to create events, or without valid credentials. */
const refusedFor = 10 * minute
/** While the API server is away. */
const awayFor = minute

interface Sent {
  readonly kubeconfig: string
  readonly event: PodEvent
  readonly at: number
}

/** Sends until the scope ends. */
export const make = Effect.gen(function* () {
  const files = yield* Files
  const https = yield* Https
  const queue = yield* Queue.dropping<Sent>(most)
  /** Time of the last event of a kind and pod. */
  const last = new Map<string, number>()
  const offUntil = new Map<string, number>()
  /** Kubeconfigs whose failure is in the log. */
  const told = new Set<string>()

  const isOff = (kubeconfig: string) => Effect.map(millis, (now) => (offUntil.get(kubeconfig) ?? 0) > now)

  const offer: Sink["offer"] = Effect.fnUntraced(function* (kubeconfig, event) {
    const now = yield* millis
    const { name, namespace, uid } = event.pod
    const key = [namespace, name, uid, event.kind].join("/")
    const before = last.get(key)
    if (before !== undefined && now - before < minute) return false
    for (const [other, at] of last) if (now - at >= minute) last.delete(other)
    last.set(key, now)
    Queue.offerUnsafe(queue, { kubeconfig, event, at: yield* Clock.currentTimeMillis })
    return true
  })

  const off = (kubeconfig: string, time: number) =>
    Effect.map(millis, (now) => void offUntil.set(kubeconfig, now + time))

  const failed = Effect.fnUntraced(function* ({ event: { pod }, kubeconfig }: Sent, server: string, reason: Reason) {
    switch (reason._tag) {
      case "NotFound":
      case "Conflict":
        return
      case "Unreachable":
      case "TooSlow":
      case "Busy":
        return yield* off(kubeconfig, awayFor)
      case "Forbidden":
        // The account has the right; the pods of this namespace are being deleted.
        if (reason.said.includes("being terminated")) return
        yield* off(kubeconfig, refusedFor)
        break
      case "Refused":
        break
      default:
        yield* off(kubeconfig, refusedFor)
    }
    if (told.has(kubeconfig)) return
    told.add(kubeconfig)
    const operation = `create an event of pod ${pod.namespace}/${pod.name}`
    const error = new PodsError({ server, operation, reason })
    const cure =
      reason._tag === "Forbidden"
        ? `Allow the user of ${kubeconfig} to create events (docs/kubernetes.md), or ignore this: nothing else needs them.`
        : error.cure
    yield* (reason._tag === "Forbidden" ? Effect.logInfo : Effect.logWarning)(`${error.failed}. ${cure}`)
  })

  const send = Effect.fnUntraced(function* (sent: Sent) {
    const { at, event, kubeconfig } = sent
    if (yield* isOff(kubeconfig)) return
    let server = ""
    yield* readAccess(files, { kubeconfig }).pipe(
      Effect.mapError((problem): Reason => ({ _tag: "NoAccess", ...problem })),
      Effect.flatMap((access) => {
        server = access.server
        const id = crypto.randomUUID().slice(0, 8)
        const body = bodyOf(event, { instance: hostname(), at, id })
        return ask(https, access, { method: "POST", path: pathOf(event), body })
      }),
      Effect.matchEffect({
        onFailure: (reason) => failed(sent, server, reason),
        onSuccess: () => Effect.sync(() => void told.delete(kubeconfig))
      })
    )
  })

  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(queue), (sent) => Effect.ignoreCause(send(sent)))))
  const sink: Sink = { offer, isOff }
  return sink
})
