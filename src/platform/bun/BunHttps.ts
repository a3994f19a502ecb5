/** {@link Https} on bun's `fetch`, for the executable. Loaded nowhere else. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { Https, HttpsError, type HttpsRequest, type HttpsResponse, type Tls } from "../Https.ts"

export const send = Effect.fn("Https.send")(function* (request: HttpsRequest) {
  const { origin } = new URL(request.url)
  const failed = (cause: unknown) => new HttpsError({ origin, code: codeOf(cause) })
  const response = yield* Effect.tryPromise({ try: (signal) => direct(request, signal), catch: failed })
  const body = yield* collect(response, request.limit, origin).pipe(Effect.mapError(failed))
  const answer: HttpsResponse = {
    status: response.status,
    retryAfter: response.headers.get("retry-after") ?? undefined,
    body
  }
  return answer
})

/** Connects directly to the server of the kubeconfig, whatever proxy the environment names. */
const direct = ({ body, headers, method, tls, url }: HttpsRequest, signal: AbortSignal): Promise<Response> =>
  fetch(url, { method, headers, body: body ?? null, redirect: "manual", proxy: false, tls: options(tls), signal })

const options = ({ ca, client, serverName, verify }: Tls): NonNullable<BunFetchRequestInit["tls"]> => ({
  ...(ca === undefined ? {} : { ca }),
  ...(client ?? {}),
  ...(serverName === undefined ? {} : { serverName }),
  rejectUnauthorized: verify
})

const collect = Effect.fnUntraced(function* (response: Response, limit: number, origin: string) {
  if (response.body === null) return ""
  const reader = response.body.getReader()
  const whole = Effect.gen(function* () {
    const chunks: Array<Uint8Array> = []
    let size = 0
    while (true) {
      const { done, value } = yield* Effect.tryPromise({ try: () => reader.read(), catch: (cause) => cause })
      if (done) return Buffer.concat(chunks).toString("utf8")
      size += value.length
      if (size > limit) return yield* new HttpsError({ origin, code: "TOOBIG" })
      chunks.push(value)
    }
  })
  // Closes the connection. The signal of the request has no effect any more.
  return yield* Effect.onError(whole, () => Effect.ignore(Effect.tryPromise(() => reader.cancel())))
})

/** bun's code for a certificate or key that is unreadable, or for a pair that does not match. */
const unusable = "FailedToOpenSocket"

const codeOf = (cause: unknown): string => {
  const code = Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : "UNKNOWN"
  return code === unusable ? "BADTLS" : code
}

export const layer: Layer.Layer<Https> = Layer.succeed(Https, Https.of({ send }))
