/**
 * Sends one event with the credentials of the pod's network, without retries. After a failure it leaves the API server
 * alone for a while. Each failure is logged once a kubeconfig, not once a pod.
 */
import { hostname } from "node:os"
import * as Effect from "effect/Effect"
import { millis } from "../../attachment/heal/Look.ts"
import { ask } from "../../kubernetes/ApiServer.ts"
import { readAccess } from "../../kubernetes/Credentials.ts"
import { PodsError, type Reason } from "../../kubernetes/PodsError.ts"
import { Files } from "../../platform/Files.ts"
import { Https } from "../../platform/Https.ts"
import { bodyOf, type Count, type PodEvent, pathOf } from "./PodEvent.ts"

export interface Dated {
  readonly kubeconfig: string
  readonly event: PodEvent
  /** When it happened, in milliseconds since 1970. */
  readonly at: number
}

/** Without the right to create events. */
const refusedFor = 600_000
/** The API server is away, or the credentials are not valid: both end without anybody's doing. */
const awayFor = 60_000

export const make = Effect.fnUntraced(function* (count: Count) {
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
