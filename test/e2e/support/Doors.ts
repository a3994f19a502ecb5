/** Unix sockets to connect to, and ones that behave like a broken database, without a listener or an answer. */
import { linkSync, rmSync } from "node:fs"
import { createServer, connect as dial, type Socket } from "node:net"
import { Effect } from "effect"

/** Accepts connections and does with each what the test says. */
export const listening = (path: string, accepted: (socket: Socket) => void) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly close: () => void }>((resume) => {
      const open = new Set<Socket>()
      const server = createServer((socket) => {
        open.add(socket)
        socket.on("error", () => undefined)
        accepted(socket)
      })
      const close = () => {
        server.close()
        for (const socket of open) socket.destroy()
      }
      server.listen(path, () => resume(Effect.succeed({ close })))
    }),
    ({ close }) => Effect.sync(close)
  )

/** What a killed server leaves: a socket that refuses. Node removes the name on which it listened, and no other. */
export const refusing = (path: string) =>
  Effect.andThen(
    Effect.scoped(
      Effect.andThen(
        listening(`${path}.other`, () => undefined),
        Effect.sync(() => linkSync(`${path}.other`, path))
      )
    ),
    Effect.addFinalizer(() => Effect.sync(() => rmSync(path, { force: true })))
  )

/** Succeeds when somebody accepts. */
export const connect = (path: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const socket = dial(path)
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.once("error", (error) => resume(Effect.die(error)))
  })
