/**
 * The other end of the suite of `Https`: servers on Node whatever the client runs on, which do what the path says. The
 * certificates are those of `test/kubernetes/fixtures`.
 */
import { readFileSync } from "node:fs"
import {
  createServer as createPlain,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse
} from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { TLSSocket } from "node:tls"
import { gzipSync } from "node:zlib"
import { Context, Effect, Layer, Schema, type Scope } from "effect"

const fixtures = join(import.meta.dirname, "../../kubernetes/fixtures")
export const pem = (name: string): string => readFileSync(join(fixtures, name), "utf8")

/** The servers' ports; all of them are on the loopback. */
export const Ports = Schema.Struct({
  tls: Schema.Int,
  expired: Schema.Int,
  plain: Schema.Int,
  /** A port without a listener. */
  closed: Schema.Int
})
export type Ports = typeof Ports.Type

/** What `/echo` answers with. */
export const Echo = Schema.Struct({
  method: Schema.String,
  headers: Schema.Record(Schema.String, Schema.String),
  body: Schema.String,
  /** Common name of the client's certificate, if one was given that the authority signed. */
  client: Schema.String,
  /** Tells connections apart: the port of the client. */
  connection: Schema.Int
})

const clientOf = ({ socket }: IncomingMessage): string => {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return ""
  const { CN } = socket.getPeerCertificate().subject
  return typeof CN === "string" ? CN : ""
}

const listener = (): RequestListener => {
  let [arrived, left] = [0, 0]
  return (request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      switch (request.url) {
        case "/echo": {
          const { headers, method = "" } = request
          const body = Buffer.concat(chunks).toString("utf8")
          return response.end(
            JSON.stringify({ method, headers, body, client: clientOf(request), connection: request.socket.remotePort })
          )
        }
        case "/later":
          return response.writeHead(429, { "retry-after": "7" }).end("wait")
        case "/elsewhere":
          return response.writeHead(302, { location: "/echo" }).end()
        case "/big":
          return response.end("x".repeat(300_000))
        case "/announced":
          return response.writeHead(200, { "content-length": String(2 ** 32) }).write("x")
        case "/endless":
          return endless(response)
        case "/packed":
          return response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(64 << 20)))
        case "/reset":
          return request.socket.destroy()
        case "/silent":
          arrived++
          return request.socket.on("close", () => left++)
        case "/stalled":
          request.socket.on("close", () => left++)
          return response.writeHead(200, { "content-length": "2" }).write("x", () => arrived++)
        default:
          return response.end(`${arrived} arrived, ${left} left`)
      }
    })
  }
}

const chunk = "x".repeat(1 << 16)
const endless = (response: ServerResponse): void => {
  while (!response.destroyed && response.write(chunk)) {}
  if (!response.destroyed) response.once("drain", () => endless(response))
}

const listening = (server: Server, host = "::") =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
    }),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

/** Below the kernel's ephemeral ports: nobody starts to listen there. Not 1, which fetch refuses. */
const closedPort = Effect.succeed(2)

const secured = (name: string) =>
  createServer(
    {
      cert: pem(`${name}.crt`),
      key: pem(`${name}.key`),
      ca: pem("ca.crt"),
      requestCert: true,
      rejectUnauthorized: false
    },
    listener()
  )

/** Separate servers each time, because they count. */
export const ports: Effect.Effect<Ports, never, Scope.Scope> = Effect.suspend(() =>
  Effect.all({
    tls: listening(secured("server")),
    expired: listening(secured("expired")),
    plain: listening(createPlain(listener())),
    closed: closedPort
  })
)

/** The subject of the suite of `Https`. */
export class Peer extends Context.Service<Peer, Ports>()("userspace-cni/test/HttpsPeer") {
  static readonly layer = Layer.effect(Peer, ports)
}
