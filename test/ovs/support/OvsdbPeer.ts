/**
 * An ovsdb-server that behaves as a test says: correctly, wrongly, or not at all. On a unix socket, as the real one.
 */
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { Effect, Result, Schema, type Scope } from "effect"
import * as OvsdbMessages from "../../../src/ovs/client/OvsdbMessages.ts"

const Request = Schema.Struct({ id: Schema.Json, method: Schema.String, params: Schema.Array(Schema.Json) })
export type Request = typeof Request.Type

export interface Peer {
  readonly path: string
  /** Every received message, as text. */
  readonly received: ReadonlyArray<string>
  /** Connections that are open now. */
  readonly open: () => number
}

/** Its behaviour on the nth request (from 0) of all connections together. */
export type Behaviour = (request: Request, socket: Net.Socket, nth: number) => void

export const reply = (socket: Net.Socket, { id }: Request, result: unknown): void => {
  socket.write(JSON.stringify({ id, result, error: null }))
}

export const peer = Effect.fnUntraced(function* (behave: Behaviour): Effect.fn.Return<Peer, never, Scope.Scope> {
  const path = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(`${tmpdir()}/ovsdb-`)),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  ).pipe(Effect.map((directory) => `${directory}/db.sock`))
  const sockets = new Set<Net.Socket>()
  const received: Array<string> = []
  const accept = (socket: Net.Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    socket.on("error", () => {})
    let splitter = OvsdbMessages.newSplitter(1 << 20)
    socket.on("data", (bytes: Buffer) => {
      const split = Result.getOrThrow(OvsdbMessages.split(splitter, bytes))
      splitter = split.splitter
      for (const text of split.texts) {
        received.push(text)
        const message = Schema.decodeUnknownOption(Schema.fromJsonString(Request))(text)
        if (message._tag === "Some") behave(message.value, socket, received.length - 1)
      }
    })
  }
  yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer(accept)
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  )
  return { path, received, open: () => sockets.size }
})
