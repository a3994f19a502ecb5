/** The edges of the executable, on bun. Programs run by `Bun.spawn`. Loaded nowhere else. */
import type { Spawn, Subprocess } from "bun"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Files } from "../Files.ts"
import { Https } from "../Https.ts"
import { Namespaces } from "../Namespaces.ts"
import { type Ended, killGroup, ProcessError, Processes, type Run } from "../Processes.ts"
import { codeOf } from "../process/StandardStreams.ts"
import { Slots, Sockets } from "../Sockets.ts"
import { slots, sockets } from "./BunSockets.ts"

type Child = Subprocess<Uint8Array, "pipe", "pipe">

const start = ({ args, env, program, stdin }: Run): Child => {
  const options: Spawn.SpawnOptions<Uint8Array, "pipe", "pipe"> = {
    env: { ...env },
    stdin: new TextEncoder().encode(stdin),
    stdout: "pipe",
    stderr: "pipe",
    detached: true
  }
  return Bun.spawn([program, ...args], options)
}

const run = Effect.fnUntraced(function* (wanted: Run) {
  const failed = (cause: unknown) => new ProcessError({ program: wanted.program, code: codeOf(cause) })
  const end = (child: Child): Effect.Effect<Ended, ProcessError> =>
    Effect.map(
      Effect.all(
        [
          Effect.tryPromise({ try: () => child.exited, catch: failed }),
          collect(wanted, child.stdout),
          collect(wanted, child.stderr, wanted.onStderr)
        ],
        { concurrency: "unbounded" }
      ),
      ([code, stdout, stderr]) => ({ status: child.signalCode ?? code, stdout, stderr })
    )
  return yield* Effect.acquireUseRelease(
    Effect.try({ try: () => start(wanted), catch: failed }),
    end,
    (child, exit) => {
      if (Exit.isSuccess(exit)) return Effect.void
      killGroup(child.pid)
      return Effect.promise(() => child.exited)
    }
  )
})

const collect = Effect.fnUntraced(function* (
  wanted: Run,
  stream: ReadableStream<Uint8Array>,
  heard?: (chunk: Uint8Array) => void
) {
  const reader = stream.getReader()
  const chunks: Array<Uint8Array> = []
  let size = 0
  while (true) {
    const { done, value } = yield* Effect.promise(() => reader.read())
    if (done) return Buffer.concat(chunks).toString("utf8")
    heard?.(value)
    size += value.length
    if (size > wanted.limit) return yield* new ProcessError({ program: wanted.program, code: "TOOBIG" })
    chunks.push(value)
  }
})

const processes = Processes.of({ run })

export const processesLayer = Layer.succeed(Processes, processes)

const https = Https.of({
  send: (request) =>
    Effect.flatMap(
      Effect.promise(() => import("./BunHttps.ts")),
      ({ send }) => send(request)
    )
})

export const layer = Layer.syncContext(() =>
  Context.make(Files, Files.make()).pipe(
    Context.add(Https, https),
    Context.add(Namespaces, Namespaces.make()),
    Context.add(Processes, processes),
    Context.add(Slots, slots),
    Context.add(Sockets, sockets)
  )
)
