/**
 * Requests to the API server, the meaning of their responses, deadlines and retries. No pods.
 * Kubernetes API conventions: HTTP status codes, the kind Status.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Https, HttpsError, HttpsResponse } from "../platform/Https.ts"
import { type Access, expiriesOf } from "./Credentials.ts"
import type { Reason } from "./PodsError.ts"

export interface Wanted {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** `/api/v1/...` or `/apis/...` */
  readonly path: string
  readonly body?: string
}

/** etcd stores objects of at most 1.5 MiB, and the API server adds little. */
const limit = 4 << 20

const contentTypes = {
  GET: undefined,
  POST: "application/json",
  PUT: "application/json",
  PATCH: "application/merge-patch+json",
  DELETE: undefined
} as const

export const ask = Effect.fn("ApiServer.ask")(function* (
  https: Https["Service"],
  { server, tls, token }: Access,
  { body, method, path }: Wanted
) {
  const { answer } = yield* KubernetesDeadlines
  const contentType = contentTypes[method]
  const headers = {
    accept: "application/json",
    "user-agent": "userspace-cni",
    ...(contentType === undefined ? {} : { "content-type": contentType }),
    ...(token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` })
  }
  const response = yield* https.send({ method, url: `${server}${path}`, headers, body, tls, limit }).pipe(
    Effect.mapError(broken),
    Effect.timeoutOrElse({
      duration: `${answer} seconds`,
      orElse: () => Effect.fail<Reason>({ _tag: "TooSlow", seconds: answer })
    })
  )
  // 202: it is deleted in a while.
  if (response.status >= 200 && response.status <= 202) return response.body
  if (response.status === 401) {
    return yield* Effect.fail(unauthorized({ tls, token }, yield* Clock.currentTimeMillis))
  }
  return yield* Effect.fail(refused(withoutToken(response, token)))
})

/** A server may repeat what it received, so the token is removed. A real token is longer than a word. */
const withoutToken = (response: HttpsResponse, token: Access["token"]): HttpsResponse => {
  const sent = token === undefined ? "" : Redacted.value(token)
  return sent.length < 8 ? response : { ...response, body: response.body.replaceAll(sent, "(hidden)") }
}

/** OpenSSL's and Node's error codes about a certificate. */
const untrusted = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH)/

const broken = ({ code, origin }: HttpsError): Reason => {
  if (untrusted.test(code)) return { _tag: "Untrusted", code }
  if (code === "TOOBIG") return { _tag: "Garbage", problem: `an answer of more than ${limit} bytes` }
  if (code === "BADTLS") {
    const problem = `has an unusable certificate or key, or a certificate and a key that do not match`
    return { _tag: "NoAccess", path: `the kubeconfig for ${origin}`, problem, missing: false }
  }
  return { _tag: "Unreachable", code }
}

const Status = Schema.Struct({
  message: Schema.optionalKey(Schema.String),
  details: Schema.optionalKey(Schema.NullOr(Schema.Struct({ retryAfterSeconds: Schema.optionalKey(Schema.Number) })))
})
const decodeStatus = Schema.decodeUnknownOption(Schema.fromJsonString(Status))

const refused = ({ body, retryAfter, status }: HttpsResponse): Reason => {
  const told = Option.getOrUndefined(decodeStatus(body))
  const said = excerpt(told?.message ?? body)
  const seconds = retryAfter !== undefined && /^\d{1,4}$/.test(retryAfter) ? Number(retryAfter) : undefined
  switch (status) {
    case 403:
      return { _tag: "Forbidden", said }
    case 404:
    case 410:
      return { _tag: "NotFound" }
    case 409:
      return { _tag: "Conflict" }
    default: {
      if (status !== 429 && status < 500) return { _tag: "Refused", status, said }
      const wait = seconds ?? told?.details?.retryAfterSeconds
      return { _tag: "Busy", status, said, ...(wait === undefined ? {} : { seconds: wait }) }
    }
  }
}

/** The beginning of the text on one line. */
const excerpt = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return line === "" ? "(no message)" : line.length > 300 ? `${line.slice(0, 300)}...` : line
}

/** The API server does not give a reason, but an expired credential can be recognized here. */
const unauthorized = ({ tls, token }: Pick<Access, "tls" | "token">, now: number): Reason => {
  const expired = expiriesOf({ tls, token }).find(({ at }) => at !== undefined && at <= now)
  return expired?.at === undefined
    ? { _tag: "Unauthorized" }
    : { _tag: "Unauthorized", expired: `${expired.what} expired at ${new Date(expired.at).toISOString()}` }
}

/** Repeats `attempt` while the failure is temporary and the total deadline allows it, and returns the last failure. */
export const persist = <A, R>(attempt: Effect.Effect<A, Reason, R>): Effect.Effect<A, Reason, R> =>
  Effect.gen(function* () {
    const { total } = yield* KubernetesDeadlines
    const end = (yield* Clock.currentTimeMillis) + total * 1000
    const next = (round: number): Effect.Effect<A, Reason, R> =>
      Effect.catch(
        attempt,
        Effect.fnUntraced(function* (reason: Reason) {
          const pause = pauseAfter(reason, round, yield* Random.next)
          const now = yield* Clock.currentTimeMillis
          if (pause === undefined || now + pause >= end) return yield* Effect.fail(reason)
          yield* Effect.logDebug(`retrying the API server in ${Math.round(pause)} ms: ${reason._tag}`)
          return yield* Effect.andThen(Effect.sleep(pause), next(round + 1))
        })
      )
    return yield* next(0)
  })

/** Milliseconds; undefined: no retry. `chance`: 0 to 1, so that calls that failed together do not retry together. */
export const pauseAfter = (reason: Reason, round: number, chance: number): number | undefined => {
  const growing = (first: number, most: number) => Math.min(first * 2 ** round, most) * (0.5 + chance / 2)
  switch (reason._tag) {
    case "Unreachable":
    case "TooSlow":
      return growing(100, 2000)
    case "Busy":
      // Retry-After is a minimum: a value of 0 does not permit retries without a pause.
      return Math.max(reason.seconds ?? 0, 0) * 1000 + growing(200, 2000)
    case "Conflict":
      return growing(10, 500)
    default:
      return undefined
  }
}

/** In seconds, for one request, and for all of an operation. Shorter than the deadline of a rollback step. */
export const KubernetesDeadlines = Context.Reference("userspace-cni/KubernetesDeadlines", {
  defaultValue: () => ({ answer: 5, total: 8 })
})
