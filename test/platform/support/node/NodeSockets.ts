/**
 * {@link Sockets} on `node:net`: tests, `make demo` and the bundle on Node. The executable uses `BunSockets.ts`.
 */
import * as net from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type Connection,
  checkedPath,
  codeOf,
  SocketError,
  Sockets,
  whileFull
} from "../../../../src/platform/Sockets.ts"

const connect = Effect.fn("Sockets.connect")(function* (path: string) {
  yield* checkedPath(path)
  const socket = yield* Effect.acquireRelease(whileFull(dial(path)), (socket) => Effect.sync(() => socket.destroy()))
  // Without a listener an error after the last read would end the process. Every read and write detects it by itself.
  socket.on("error", () => {})
  return connection(path, socket)
})

const dial = (path: string) =>
  Effect.callback<net.Socket, SocketError>((resume) => {
    const socket = net.createConnection({ path })
    const refused = (cause: unknown) =>
      resume(Effect.fail(new SocketError({ path, code: codeOf(cause), operation: "connect" })))
    socket.once("error", refused)
    socket.once("connect", () => {
      socket.off("error", refused)
      resume(Effect.succeed(socket))
    })
    return Effect.sync(() => socket.destroy())
  })

const connection = (path: string, socket: net.Socket): Connection => {
  const ended = (operation: "read" | "write", cause: unknown) =>
    Effect.fail(new SocketError({ path, code: cause ? codeOf(cause) : "Closed", operation }))

  return {
    write: (bytes) =>
      Effect.callback((resume) => {
        socket.write(bytes, (cause) => resume(cause ? ended("write", cause) : Effect.void))
      }),
    // The socket stays paused: `read` pulls, so data of a fast peer stays in the kernel.
    read: Effect.callback((resume) => {
      const events = ["readable", "end", "error", "close"]
      const stop = () => {
        for (const event of events) socket.off(event, look)
      }
      const look = () => {
        const bytes: unknown = socket.read()
        if (bytes instanceof Uint8Array) {
          stop()
          resume(Effect.succeed(bytes))
        } else if (socket.readableEnded || socket.destroyed || socket.errored) {
          stop()
          resume(ended("read", socket.errored))
        }
      }
      for (const event of events) socket.on(event, look)
      look()
      return Effect.sync(stop)
    })
  }
}

export const layer: Layer.Layer<Sockets> = Layer.succeed(Sockets, Sockets.of({ connect }))
