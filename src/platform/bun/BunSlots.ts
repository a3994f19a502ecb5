/** {@link Slots} on `Bun.listen`, for the executable. Loaded nowhere else. */
import type { Socket, UnixSocketListener } from "bun"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SlotError, Slots } from "../Slots.ts"
import { codeOf } from "../Sockets.ts"
import { whyRefused } from "./BunSockets.ts"

type Listener = UnixSocketListener<undefined>

/** Returns the system's error instead of throwing it. */
const listen = (name: string): Effect.Effect<Listener, SlotError> =>
  Effect.try({
    try: () => Bun.listen<undefined>({ unix: `\0${name}`, data: undefined, socket: { data: () => {} } }),
    catch: (cause) => new SlotError({ name, code: codeOf(cause) })
  })

const hold = Effect.fnUntraced(function* (name: string) {
  const held = yield* Effect.acquireRelease(
    Effect.catchIf(
      listen(name),
      ({ code }) => code === "EADDRINUSE",
      () => Effect.succeed(undefined)
    ),
    // Also closes the connections of waiters, which wakes them.
    (listener) => Effect.sync(() => listener?.stop(true))
  )
  return held !== undefined
})

const freed = (name: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    let open: Socket<undefined> | undefined
    let given = false
    const gone = () => resume(Effect.void)
    Bun.connect<undefined>({
      unix: `\0${name}`,
      data: undefined,
      socket: { data: () => {}, end: gone, close: gone, error: gone, connectError: () => {} }
    }).then(
      (socket) => {
        open = socket
        if (given) socket.terminate()
      },
      // EAGAIN: the listen queue is full of waiters.
      () =>
        resume(
          Effect.flatMap(whyRefused(`\0${name}`), (code) =>
            code === "EAGAIN" ? Effect.sleep("20 millis") : Effect.void
          )
        )
    )
    return Effect.sync(() => {
      given = true
      open?.terminate()
    })
  })

export const slots = Slots.of({ hold, freed })

export const layer: Layer.Layer<Slots> = Layer.succeed(Slots, slots)
