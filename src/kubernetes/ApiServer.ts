/**
 * One request to the API server, and the meaning of its response. No retries (see `Persistence.ts`), no pods.
 * Kubernetes API conventions: HTTP status codes, the kind Status.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Https, HttpsError, HttpsResponse } from "../platform/Https.ts"
import { type Access, expiriesOf } from "./Credentials.ts"
import { KubernetesDeadlines } from "./Persistence.ts"
import type { Reason } from "./PodsError.ts"

export interface Wanted {
  readonly method: "GET" | "POST" | "PUT" | "PATCH"
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
  PATCH: "application/merge-patch+json"
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
  if (response.status === 200 || response.status === 201) return response.body
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
