/**
 * Metrics and health over HTTP. On TCP there is nothing else: no path leads to anything that could change something, or that
 * tells where anything is on the node.
 */
import * as Http from "node:http"
import * as Effect from "effect/Effect"
import { codeOf } from "../../platform/Sockets.ts"
import type { Address } from "./Address.ts"
import { exposition } from "./Exposition.ts"
import type { Registry } from "./Registry.ts"

export const metricsPath = "/metrics"
const healthPath = "/healthz"

export type Answers = (request: Http.IncomingMessage, response: Http.ServerResponse) => void

/** Answers `GET /metrics`. */
export const answering = Effect.fnUntraced(function* (scrape: Effect.Effect<Registry>) {
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const answers: Answers = ({ headers }, response) => {
    const fiber = fork(
      Effect.map(
        Effect.flatMap(scrape, (registry) => exposition(registry, headers.accept)),
        ({ body, contentType }) => {
          response.writeHead(200, { "content-type": contentType, "content-length": Buffer.byteLength(body) })
          response.end(body)
        }
      )
    )
    response.on("error", () => {})
    response.on("close", () => fiber.interruptUnsafe())
  }
  return answers
})

/** A scraper or two, and a person. */
const mostConnections = 32
const patience = 5_000

const respond = (answers: Answers): Answers => {
  const plain = (response: Http.ServerResponse, status: number, body: string) => {
    response.writeHead(status, { "content-type": "text/plain", connection: "close" })
    response.end(`${body}\n`)
  }
  return (request, response) => {
    const { method, url } = request
    if (method !== "GET") return plain(response, 405, "GET only")
    if (url === metricsPath) return answers(request, response)
    if (url === healthPath) return plain(response, 200, "ok")
    plain(response, 404, "not found")
  }
}

/** Serves until the scope ends. Gives the port, which the system chooses for 0; fails with the system's error. */
export const listen = Effect.fnUntraced(function* ({ host, port }: Address, answers: Answers) {
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Http.createServer({
        headersTimeout: patience,
        requestTimeout: patience,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: 8192
      })
    ),
    (made) =>
      Effect.sync(() => {
        made.close()
        made.closeAllConnections()
      })
  )
  server.maxConnections = mostConnections
  server.on("request", respond(answers))
  server.on("clientError", (_, socket) => socket.destroy())
  return yield* Effect.callback<number, string>((resume) => {
    server.once("error", (cause) => resume(Effect.fail(codeOf(cause))))
    server.listen({ host, port }, () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })
})
