/**
 * Metrics and health over HTTP. On TCP there is nothing else: no path leads to anything that could change something, or that
 * tells where anything is on the node.
 */
import * as Http from "node:http"
import { isIP } from "node:net"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { codeOf } from "../../platform/Sockets.ts"
import { exposition, type Registry } from "./Registry.ts"

/** Where metrics are served over TCP, as the command line names it. */
export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * `10.0.0.5:9464`, `[fd00::5]:9464`; `fd00::5:9464` as well, which is what a pod makes of its `$(HOST_IP):9464`. Undefined: it
 * is none.
 */
export const addressIn = (text: string): Address | undefined => {
  const [, within, bare = "", port] = /^(?:\[([^\]]+)\]|(.+)):(\d{1,5})$/.exec(text) ?? []
  const host = within ?? bare
  const isAddress = within === undefined ? isIP(host) !== 0 : isIP(host) === 6
  return isAddress && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined
}

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
    server.on("error", (cause) => resume(Effect.fail(codeOf(cause))))
    server.listen({ host, port }, () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })
})

/** Where metrics are served. A problem: they are not, and why. */
export interface Served {
  readonly url: string
  readonly problem: string | null
}

const every = "10 seconds"

const problems: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process has the port",
  EADDRNOTAVAIL: "no interface of this node has the address"
}

/**
 * Serves while the scope lasts, and returns what is the case now. Metrics are no reason to serve no calls: an address
 * that cannot be had, as one that another agent has not released yet, is logged and tried again.
 */
export const keep = Effect.fnUntraced(function* (address: Address, answers: Answers) {
  const { host, port } = address
  const urlOf = (own: number) => `http://${host.includes(":") ? `[${host}]` : host}:${own}${metricsPath}`
  let served: Served = { url: urlOf(port), problem: null }
  const tried = yield* Deferred.make<void>()
  const refused = Effect.fnUntraced(function* (code: string) {
    const problem = problems[code] === undefined ? code : `${problems[code]} (${code})`
    if (served.problem !== problem) {
      served = { ...served, problem }
      const cure = `\`ss -ltnp sport = :${port}\` shows who has a port; --metrics names the address.`
      yield* Effect.logError(`no metrics on ${served.url}: ${problem}. Trying again every ${every}. ${cure}`)
    }
    yield* Deferred.succeed(tried, undefined)
  })
  const serving = Effect.fnUntraced(function* () {
    const own = yield* listen(address, answers)
    served = { url: urlOf(own), problem: null }
    yield* Effect.logInfo(`metrics on ${served.url}`)
    yield* Deferred.succeed(tried, undefined)
    return yield* Effect.never
  }, Effect.scoped)
  yield* Effect.forkScoped(Effect.retry(Effect.tapError(serving(), refused), { schedule: Schedule.spaced(every) }))
  yield* Deferred.await(tried)
  return (): Served => served
})
