/** Connections that fail: refused, cut before or after a write, silent. */
import { Deferred, Effect } from "effect"
import { type Connection, SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import type { Step } from "./Steps.ts"
import { wire } from "./Wire.ts"

/** While it lives, ovs-vswitchd's sockets exist and accept; its death is a separate fault. */
const refusalsOf = (path: string): ReadonlyArray<string> =>
  path.endsWith(".mgmt") ? ["EACCES", "EAGAIN"] : ["ECONNREFUSED", "ENOENT", "EACCES", "EAGAIN"]

const errorOf = (operation: SocketError["operation"], path: string, code: string) =>
  new SocketError({ path, code, operation })

const connection = (path: string, real: Connection, step: Step): Connection => {
  const { heard, said } = wire(path)
  const cut = Deferred.makeUnsafe<never, SocketError>()
  /** The fault of the peer's reply. */
  let answers: "read" | "lost" | "unheard" = "read"
  const closed = errorOf("read", path, "Closed")
  let open = true
  const close = Effect.suspend(() => {
    open = false
    return Deferred.fail(cut, closed)
  })
  const unwritten = Effect.fail(errorOf("write", path, "Closed"))

  const read: Connection["read"] = Effect.flatMap(Effect.raceFirst(real.read, Deferred.await(cut)), (bytes) => {
    if (answers === "unheard") return Effect.never
    if (answers === "lost") return Effect.andThen(close, Effect.fail(closed))
    heard(bytes)
    return Effect.succeed(bytes)
  })

  const write: Connection["write"] = (bytes) => {
    const { changes, text } = said(bytes)
    const whole = Effect.suspend(() => (open ? real.write(bytes) : unwritten))
    // Decided before the write, because the reply may be fast.
    const then = (next: typeof answers) =>
      Effect.suspend(() => {
        answers = next
        return whole
      })
    return step(
      {
        edge: "Sockets",
        name: text,
        changes,
        waits: true,
        errors: { Closed: Effect.andThen(close, unwritten) },
        halves: { SIGKILL: Effect.suspend(() => real.write(bytes.subarray(0, bytes.length / 2))) },
        lost: then("lost"),
        unheard: then("unheard")
      },
      whole
    )
  }

  return { read, write }
}

export const over = (sockets: Sockets["Service"], step: Step): Sockets["Service"] =>
  Sockets.of({
    connect: (path) =>
      step(
        {
          edge: "Sockets",
          name: `connect to ${path}`,
          changes: false,
          waits: true,
          errors: Object.fromEntries(
            refusalsOf(path).map((code) => [code, Effect.fail(errorOf("connect", path, code))])
          )
        },
        Effect.map(sockets.connect(path), (real) => connection(path, real, step))
      )
  })
