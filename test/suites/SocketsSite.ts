/** The subject of the suite of `Sockets`: its directory, and its peer, a `node:net` server in the same process. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import type { SocketError, Sockets } from "../../src/platform/Sockets.ts"

export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "sockets-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** Lets pending events be processed: the event loop has checked every descriptor this often. */
export const turns = (count: number) =>
  Effect.replicateEffect(
    Effect.callback<void>((resume) => {
      const next = setImmediate(() => resume(Effect.void))
      return Effect.sync(() => clearImmediate(next))
    }),
    count
  )

export const listen = Effect.fnUntraced(function* (path: string) {
  const accepted: Array<Net.Socket> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
        socket.on("error", () => {})
        accepted.push(socket)
      })
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        for (const socket of accepted) socket.destroy()
        server.close()
      })
  )
  return { server, accepted }
})

export const codeOf = (self: Effect.Effect<unknown, SocketError, Sockets>): Effect.Effect<string, never, Sockets> =>
  Effect.match(self, { onFailure: ({ code, operation }) => `${operation} ${code}`, onSuccess: () => "succeeded" })
