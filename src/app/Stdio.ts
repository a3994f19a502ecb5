/**
 * stdin and stdout of a CNI call, on descriptors 0 and 1: `process.stdout` costs 8 ms at start. stdout carries one JSON
 * document or nothing. CNI specification 1.1.0, section 2.
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import { CniError } from "../cni/spec/CniError.ts"
import { ErrorCodes } from "../cni/spec/ErrorCodes.ts"
import { isStdoutClosed } from "./ClosedStdout.ts"
import { limit, seconds } from "./StdinLimits.ts"

const chunk = Effect.callback<Uint8Array, CniError>((resume) => {
  const buffer = Buffer.allocUnsafe(1 << 16)
  Fs.read(0, buffer, 0, buffer.length, null, (error, length) =>
    resume(
      error ? Effect.fail(unreadable(`cannot be read: ${error.message}`)) : Effect.succeed(buffer.subarray(0, length))
    )
  )
})

const rest = Effect.fnUntraced(function* (begun: ReadonlyArray<Uint8Array>) {
  const chunks = [...begun]
  while (true) {
    const next = yield* chunk
    if (next.length === 0) return chunks
    chunks.push(next)
    if (size(chunks) > limit) return yield* tooLong
  }
})

const size = (chunks: ReadonlyArray<Uint8Array>): number => chunks.reduce((sum, { length }) => sum + length, 0)

/**
 * Reads what is available without blocking, and whether that is all: a runtime has usually written before this process
 * is loaded, and a reader thread costs a millisecond (docs/performance.md). A pipe is reopened, because other holders
 * must not find it non-blocking; a socket cannot be reopened, and is waited for.
 */
const readNow = (stdin: Fs.Stats): { readonly chunks: ReadonlyArray<Uint8Array>; readonly ended: boolean } => {
  if (stdin.isFile()) return drain(0)
  const pipe = stdin.isFIFO()
    ? quietly(() => Fs.openSync("/proc/self/fd/0", Fs.constants.O_RDONLY | Fs.constants.O_NONBLOCK))
    : undefined
  if (pipe === undefined) return { chunks: [], ended: false }
  const now = drain(pipe)
  Fs.closeSync(pipe)
  return now
}

const drain = (fd: number) => {
  const chunks: Array<Uint8Array> = []
  while (size(chunks) <= limit) {
    const buffer = Buffer.allocUnsafe(1 << 16)
    const length = quietly(() => Fs.readSync(fd, buffer))
    if (length === undefined || length === 0) return { chunks, ended: length === 0 }
    chunks.push(buffer.subarray(0, length))
  }
  return { chunks, ended: false }
}

/** Undefined when it fails. */
const quietly = <A>(self: () => A): A | undefined =>
  Effect.runSync(Effect.orElseSucceed(Effect.try(self), () => undefined))

export const unreadable = (came: string) =>
  CniError.of(
    ErrorCodes.IoFailure,
    `the network configuration on stdin ${came}`,
    "Write it to the plugin's stdin, then close stdin."
  )

const tooLong = Effect.suspend(() => Effect.fail(unreadable(`is longer than ${limit} bytes`)))

/** All of stdin; a terminal or a closed descriptor reads as empty. */
export const readStdin: Effect.Effect<string, CniError> = Effect.suspend(() => {
  const status = Effect.runSync(Effect.option(Effect.try({ try: () => Fs.fstatSync(0), catch: String })))
  if (status._tag === "None" || status.value.isCharacterDevice()) return Effect.succeed("")
  const { chunks, ended } = readNow(status.value)
  if (size(chunks) > limit) return tooLong
  const whole = ended
    ? Effect.succeed(chunks)
    : Effect.timeoutOrElse(rest(chunks), {
        duration: `${seconds} seconds`,
        orElse: () => Effect.fail(unreadable(`did not end within ${seconds} s`))
      })
  return Effect.map(whole, (all) => Buffer.concat(all).toString("utf8"))
})

/** Writes the document. Fails when the descriptor is closed, its reader gone, or its disk full. */
export const writeDocument = (document: unknown): Effect.Effect<void, CniError> =>
  Effect.mapError(writeText(`${JSON.stringify(document)}\n`), untaken)

/** All of it, to stdout. Fails with the system's code. */
export const writeText = (text: string): Effect.Effect<void, string> =>
  Effect.suspend(() =>
    quietly(isStdoutClosed) === true
      ? Effect.fail("EBADF")
      : Effect.try({
          try: () => {
            const bytes = Buffer.from(text)
            for (let done = 0; done < bytes.length; ) done += Fs.writeSync(1, bytes, done)
          },
          catch: (cause) => (cause instanceof Error && "code" in cause ? String(cause.code) : String(cause))
        })
  )

export const untaken = (code: string) =>
  CniError.of(
    ErrorCodes.IoFailure,
    `the result cannot be written to stdout: ${code}; changes were rolled back`,
    "Keep stdout open and read it: the plugin writes its result there."
  )
