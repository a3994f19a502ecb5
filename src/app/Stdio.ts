/** stdin and stdout of a CNI call: one JSON document or nothing. CNI specification 1.1.0, section 2. */
import * as Effect from "effect/Effect"
import { CniError, ErrorCodes } from "../cni/types/CniError.ts"
import { codeOf, type Read, readStdin, writeStdout } from "../platform/process/StandardStreams.ts"

/** Returns all of stdin, or `given` if it has been read already. */
export const configuration = (given?: Read): Effect.Effect<string, CniError> =>
  Effect.flatMap(
    Effect.promise(() => (given === undefined ? readStdin() : Promise.resolve(given))),
    (read) => ("text" in read ? Effect.succeed(read.text) : Effect.fail(unreadable(read.problem)))
  )

const unreadable = (problem: string) =>
  CniError.of(
    ErrorCodes.IoFailure,
    `the network configuration on stdin ${problem}`,
    "Write it to the plugin's stdin, then close stdin."
  )

/** Writes the document. Fails when the descriptor is closed, its reader gone, or its disk full. */
export const writeDocument = (document: unknown): Effect.Effect<void, CniError> =>
  Effect.mapError(writeText(`${JSON.stringify(document)}\n`), untaken)

/** Writes all of it to stdout. Fails with the system's error code. */
export const writeText = (text: string): Effect.Effect<void, string> =>
  Effect.try({ try: () => writeStdout(text), catch: codeOf })

export const untaken = (code: string) =>
  CniError.of(
    ErrorCodes.IoFailure,
    `the result cannot be written to stdout: ${code}; changes were rolled back`,
    "Keep stdout open and read it: the plugin writes its result there."
  )
