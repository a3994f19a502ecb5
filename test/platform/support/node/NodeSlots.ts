/** {@link Slots} on `node:net`: tests, `make demo` and the bundle on Node. The executable uses `BunSockets.ts`. */
import * as net from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { codeOf, SlotError, Slots } from "../../../../src/platform/Sockets.ts"

interface Held {
  readonly server: net.Server
  /** Waiters for our release: ending their connections wakes them. */
  readonly waiting: Set<net.Socket>
}

const listen = (name: string) =>
  Effect.callback<Held | undefined, SlotError>((resume) => {
    const waiting = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      waiting.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => waiting.delete(socket))
    })
    server.once("error", (cause) => {
      const code = codeOf(cause)
      resume(
        code === "EADDRINUSE" ? Effect.void.pipe(Effect.as(undefined)) : Effect.fail(new SlotError({ name, code }))
      )
    })
    server.listen({ path: `\0${name}` }, () => resume(Effect.succeed({ server, waiting })))
  })

const release = ({ server, waiting }: Held) =>
  Effect.sync(() => {
    server.close()
    for (const socket of waiting) socket.destroy()
  })

const hold = Effect.fn("Slots.hold")(function* (name: string) {
  const held = yield* Effect.acquireRelease(listen(name), (held) => (held === undefined ? Effect.void : release(held)))
  return held !== undefined
})

const freed = (name: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const socket = net.createConnection({ path: `\0${name}` })
    let crowded = false
    socket.on("error", (cause) => {
      // The kernel's queue of waiters is full.
      crowded = codeOf(cause) === "EAGAIN"
    })
    socket.on("close", () => resume(crowded ? Effect.sleep("20 millis") : Effect.void))
    socket.resume()
    return Effect.sync(() => socket.destroy())
  })

export const layer: Layer.Layer<Slots> = Layer.succeed(Slots, Slots.of({ hold, freed }))
