/** {@link Sockets} on `Bun.connect`, for the executable. Loaded nowhere else. */
import type { Socket, UnixSocketListener } from "bun"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Connection, checkedPath, codeOf, SlotError, Slots, SocketError, Sockets, whileFull } from "../Sockets.ts"

/** A connection's data, which bun pushes, until it is read. */
interface Traffic {
  readonly path: string
  readonly received: Array<Uint8Array>
  readonly writing: Array<Writing>
  ended: string | undefined
  reader: (() => void) | undefined
}

interface Writing {
  rest: Uint8Array
  readonly done: (result: Effect.Effect<void, SocketError>) => void
}

const connect = Effect.fnUntraced(function* (path: string) {
  yield* checkedPath(path)
  const socket = yield* Effect.acquireRelease(whileFull(dialed(path)), (socket) =>
    Effect.sync(() => socket.terminate())
  )
  return connection(socket)
})

/** Connects, and fails with the kernel's own code: EAGAIN when the peer's listen queue is full. */
const dialed = (path: string) =>
  Effect.catchIf(
    dial(path),
    ({ code }) => code === "ECONNREFUSED",
    ({ operation }) =>
      Effect.flatMap(whyRefused(path), (code) => Effect.fail(new SocketError({ path, code, operation })))
  )

const dial = (path: string) =>
  Effect.callback<Socket<Traffic>, SocketError>((resume, signal) => {
    const refused = (cause: unknown) =>
      resume(Effect.fail(new SocketError({ path, code: codeOf(cause), operation: "connect" })))
    const opened = (socket: Socket<Traffic>) => {
      if (signal.aborted) socket.terminate()
      else resume(Effect.succeed(socket))
    }
    Bun.connect<Traffic>({
      unix: path,
      data: { path, received: [], writing: [], ended: undefined, reader: undefined },
      socket: {
        binaryType: "uint8array",
        data: (socket, bytes) => {
          socket.data.received.push(Uint8Array.from(bytes))
          // Pause until the next read, so that data of a fast peer stays in the kernel.
          socket.pause()
          wake(socket.data)
        },
        drain: flush,
        end: (socket) => end(socket, "Closed"),
        close: (socket, cause) => end(socket, cause === undefined ? "Closed" : codeOf(cause)),
        error: (socket, cause) => end(socket, codeOf(cause)),
        connectError: (_, cause) => refused(cause)
      }
    }).then(opened, refused)
  })

const connection = (socket: Socket<Traffic>): Connection => {
  const { path } = socket.data
  return {
    write: (bytes) =>
      Effect.callback((resume) => {
        socket.data.writing.push({ rest: bytes, done: resume })
        if (socket.data.writing.length === 1) flush(socket)
      }),
    read: Effect.callback((resume) => {
      const look = () => {
        const bytes = socket.data.received.shift()
        if (bytes !== undefined) resume(Effect.succeed(bytes))
        else if (socket.data.ended !== undefined) {
          resume(Effect.fail(new SocketError({ path, code: socket.data.ended, operation: "read" })))
        } else {
          socket.data.reader = look
          socket.resume()
        }
      }
      look()
      return Effect.sync(() => {
        if (socket.data.reader === look) socket.data.reader = undefined
      })
    })
  }
}

/** bun writes as much as fits and calls `drain` when there is room again. One message is never split by another. */
const flush = (socket: Socket<Traffic>) => {
  const { path, writing } = socket.data
  for (let [head] = writing; head !== undefined; [head] = writing) {
    const written = socket.data.ended === undefined ? socket.write(head.rest) : -1
    if (written >= 0 && written < head.rest.length) {
      head.rest = head.rest.subarray(written)
      return
    }
    writing.shift()
    head.done(
      written < 0
        ? Effect.fail(new SocketError({ path, code: socket.data.ended ?? "Closed", operation: "write" }))
        : Effect.void
    )
  }
}

const end = (socket: Socket<Traffic>, code: string) => {
  socket.data.ended ??= code
  flush(socket)
  wake(socket.data)
}

const wake = (traffic: Traffic) => {
  const reader = traffic.reader
  traffic.reader = undefined
  reader?.()
}

export const sockets = Sockets.of({ connect })

export const layer: Layer.Layer<Sockets> = Layer.succeed(Sockets, sockets)

/**
 * Determines why a connection was refused. bun reports ECONNREFUSED for every error: no listener, a full listen queue, a
 * socket of another type. `/proc/net/unix` does not help: it has the name with which the socket was bound, perhaps behind
 * other links or mounts, and only the sockets of one network namespace. `path`: a file, or an abstract name after a NUL.
 * UNKNOWN: the peer must not be considered dead, because a socket file without a listener is removed.
 */
export const whyRefused = (path: string): Effect.Effect<string> =>
  Effect.tryPromise(() => import("./libc/BunLibc.ts")).pipe(
    Effect.map(({ connectOnce }) => connectOnce(path) ?? "UNKNOWN"),
    Effect.orElseSucceed(() => "UNKNOWN")
  )

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

export const slotsLayer: Layer.Layer<Slots> = Layer.succeed(Slots, slots)
