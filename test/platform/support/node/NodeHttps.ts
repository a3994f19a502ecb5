/** {@link Https} on `node:https`, for tests on Node. The executable uses `BunHttps.ts`. */
import { type ClientRequest, request as plain } from "node:http"
import { request as secured } from "node:https"
import { createSecureContext } from "node:tls"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { Https, HttpsError, type HttpsRequest, type HttpsResponse, type Tls } from "../../../../src/platform/Https.ts"

const send = Effect.fn("Https.send")(function* (wanted: HttpsRequest) {
  const { origin, protocol } = new URL(wanted.url)
  const failed = (cause: unknown) => new HttpsError({ origin, code: codeOf(cause) })
  if (protocol === "https:") {
    yield* Effect.try({
      try: () => createSecureContext(material(wanted.tls)),
      catch: () => new HttpsError({ origin, code: "BADTLS" })
    })
  }
  return yield* exchange(wanted).pipe(Effect.mapError(failed))
})

const exchange = (wanted: HttpsRequest): Effect.Effect<HttpsResponse, unknown> =>
  Effect.callback((resume) => {
    const fail = (cause: unknown) => resume(Effect.fail(cause))
    const request = begin(wanted)
    request.on("error", fail)
    request.on("response", (response) => {
      const chunks: Array<Buffer> = []
      let size = 0
      response.on("data", (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
        if (size > wanted.limit) request.destroy(Object.assign(new Error("too big"), { code: "TOOBIG" }))
      })
      response.on("error", fail)
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            retryAfter: response.headers["retry-after"],
            body: Buffer.concat(chunks).toString("utf8")
          })
        )
      )
    })
    request.end(wanted.body)
    return Effect.sync(() => request.destroy())
  })

const begin = ({ headers, method, tls, url }: HttpsRequest): ClientRequest =>
  url.startsWith("http:")
    ? plain(url, { method, headers })
    : secured(url, {
        method,
        headers,
        ...material(tls),
        ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
        rejectUnauthorized: tls.verify
      })

const material = ({ ca, client }: Tls) => ({ ...(ca === undefined ? {} : { ca }), ...(client ?? {}) })

const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : "UNKNOWN"

export const layer: Layer.Layer<Https> = Layer.succeed(Https, Https.of({ send }))
