/**
 * Standard input and output of a CNI call, on descriptors 0 and 1: `process.stdout` costs 8 ms at start. stdout carries
 * one JSON document or nothing. CNI specification 1.1.0, section 2.
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import { CniError } from "./CniError.ts"
import { ErrorCodes } from "./ErrorCodes.ts"

/** More than any configuration with its prevResult; etcd takes objects of 1.5 MiB. */
const limit = 4 << 20

const seconds = 5

const chunk = Effect.callback<Uint8Array, CniError>((resume) => {
  const buffer = Buffer.allocUnsafe(1 << 16)
  Fs.read(0, buffer, 0, buffer.length, null, (error, length) =>
    resume(
      error ? Effect.fail(unreadable(`cannot be read: ${error.message}`)) : Effect.succeed(buffer.subarray(0, length))
    )
  )
})

const whole = Effect.gen(function* () {
  const chunks: Array<Uint8Array> = []
  let size = 0
  while (true) {
    const next = yield* chunk
    size += next.length
    if (next.length === 0) return Buffer.concat(chunks).toString("utf8")
    if (size > limit) return yield* unreadable(`is longer than ${limit} bytes`)
    chunks.push(next)
  }
})

const unreadable = (came: string) =>
  CniError.of(
    ErrorCodes.IoFailure,
    `the network configuration on stdin ${came}`,
    "The caller writes it to the plugin's standard input and closes that."
  )

/** All of stdin; a terminal, or none at all, reads as empty. */
export const readStdin: Effect.Effect<string, CniError> = Effect.suspend(() => {
  const status = Effect.runSync(Effect.option(Effect.try({ try: () => Fs.fstatSync(0), catch: String })))
  if (status._tag === "None" || status.value.isCharacterDevice()) return Effect.succeed("")
  return whole.pipe(
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail(unreadable(`did not end within ${seconds} s`))
    })
  )
})

/** The one document. A runtime that has gone does not read it: then there is nobody to tell. */
export const writeDocument = (document: unknown): Effect.Effect<void> =>
  Effect.ignore(
    Effect.try({
      try: () => {
        const bytes = Buffer.from(`${JSON.stringify(document)}\n`)
        for (let done = 0; done < bytes.length; ) done += Fs.writeSync(1, bytes, done)
      },
      catch: String
    })
  )
