/** Unix sockets: to knock at, and such as behave like a broken database, where nobody listens or nobody answers. */
import { linkSync, rmSync } from "node:fs"
import { createServer, connect as dial, type Socket } from "node:net"
import { Effect } from "effect"

/** Accepts, and does with each connection what it is told. */
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

/** What a killed server leaves: a socket that refuses. Node removes the name it listened on, not another one. */
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
