/**
 * Where a capture is written: a file that it makes, or stdout. Bytes are written behind its back: while a slow reader takes
 * them, leases go on, and packets wait in the kernel.
 */
import * as Fs from "node:fs"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

export class SinkError extends Data.TaggedError("SinkError")<{
  readonly path: string
  /** `ENOSPC`, `EPIPE`: the system's. `ETIMEDOUT`: nobody has read from it for {@link patience}. */
  readonly code: string
}> {}

export interface Sink {
  readonly descriptor: number
  /** All of it. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, SinkError>
}

/** In seconds. A reader that takes nothing for so long has gone, as that of a `kubectl exec` which was ended. */
export const patience = 30

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

const overDescriptor = (path: string, descriptor: number): Sink => {
  const some = (bytes: Uint8Array) =>
    Effect.callback<number, SinkError>((resume) =>
      Fs.write(descriptor, bytes, 0, bytes.length, null, (error, length) =>
        resume(error === null ? Effect.succeed(length) : Effect.fail(new SinkError({ path, code: codeOf(error) })))
      )
    )
  // A pipe that somebody has made non-blocking is full for a moment. The system ends no write that waits.
  let isStuck = false
  const stuck = Effect.suspend(() => {
    isStuck = true
    return Effect.fail(new SinkError({ path, code: "ETIMEDOUT" }))
  })
  const patient = (bytes: Uint8Array) =>
    isStuck
      ? stuck
      : Effect.retry(some(bytes), {
          while: ({ code }) => code === "EAGAIN",
          schedule: Schedule.spaced("5 millis")
        }).pipe(
          Effect.interruptible,
          Effect.timeoutOrElse({ duration: Duration.seconds(patience), orElse: () => stuck })
        )
  return {
    descriptor,
    write: Effect.fnUntraced(function* (bytes) {
      for (let done = 0; done < bytes.length; ) done += yield* patient(bytes.subarray(done))
    })
  }
}

const { O_CREAT, O_WRONLY } = Fs.constants

/**
 * `-` is stdout. A new file is for its owner alone: packets are the pod's. One that is there keeps its content until the
 * first write, because a capture that is refused must not empty the file of the one that runs.
 */
export const open = (path: string): Effect.Effect<Sink, SinkError, Scope.Scope> => {
  if (path === "-") return Effect.succeed(overDescriptor("stdout", 1))
  const tried = <A>(self: () => A) =>
    Effect.try({ try: self, catch: (cause) => new SinkError({ path, code: codeOf(cause) }) })
  return Effect.gen(function* () {
    const descriptor = yield* Effect.acquireRelease(
      tried(() => Fs.openSync(path, O_WRONLY | O_CREAT, 0o600)),
      (descriptor) => Effect.sync(() => Fs.closeSync(descriptor))
    )
    const isFile = yield* tried(() => Fs.fstatSync(descriptor).isFile())
    const emptied = yield* Effect.cached(isFile ? tried(() => Fs.ftruncateSync(descriptor)) : Effect.void)
    const { write } = overDescriptor(path, descriptor)
    return { descriptor, write: (bytes) => Effect.andThen(emptied, write(bytes)) }
  })
}
