/**
 * Rolls back an ADD that the agent made for this process, without an answer, or with one that cannot be written: runs a
 * DEL, if the record is that of this ADD. What another ADD of the attachment created stays. Loaded on demand.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Records } from "../attachment/records/Records.ts"
import { defaultLogOptions } from "../cni/network/LogOptions.ts"
import { readRequest } from "../cni/Request.ts"
import { CniError, ErrorCodes, errorOf, fromExplained } from "../cni/types/CniError.ts"
import { attachmentOf } from "../identity/Attachment.ts"
import * as BunEdges from "../platform/bun/BunEdges.ts"
import * as Log from "../program/Log.ts"
import { answer } from "./CniCall.ts"
import { services } from "./Composition.ts"
import { untaken, writeDocument } from "./Stdio.ts"

interface Left {
  readonly stdin: string
  /** The invocation of the ADD. */
  readonly invocation: string
  /** Why the answer could not be written to stdout; undefined: there is none. */
  readonly untaken: string | undefined
}

const takenBack = Effect.fnUntraced(function* ({ invocation, stdin }: Left) {
  const request = readRequest({ ...process.env, CNI_COMMAND: "DEL" }, stdin)
  const asked = yield* Effect.fromResult(request.asked)
  const attachment = attachmentOf(asked.envelope.name, asked.environment)
  const isIts = Effect.gen(function* () {
    const records = yield* Records
    const record = yield* records.find(attachment)
    // Removes the files of a claim that was killed before it completed.
    if (record?.invocation !== invocation) yield* records.remove(attachment, invocation)
    return record?.invocation === invocation
  }).pipe(Effect.mapError(fromExplained), Effect.provide(services(asked.stateDir)), Effect.provide(BunEdges.layer))
  if (yield* isIts) yield* answer(request, BunEdges.layer)
})

const told = (exit: Exit.Exit<void, CniError>): CniError => {
  if (Exit.isSuccess(exit)) {
    return CniError.of(
      ErrorCodes.TryAgainLater,
      "the agent ended during ADD; changes were rolled back",
      "Try again. Check the agent with `userspace agent status`."
    )
  }
  const { details, msg } = errorOf(exit.cause)
  return CniError.of(
    ErrorCodes.TryAgainLater,
    `the agent ended during ADD, and not all changes were rolled back: ${msg}`,
    `The next DEL of this attachment removes the rest. ${details}`
  )
}

const unwritten = (code: string, exit: Exit.Exit<void, CniError>): string =>
  Exit.isSuccess(exit)
    ? untaken(code).message
    : `the result cannot be written to stdout: ${code}, and not all changes were rolled back: ` +
      `${errorOf(exit.cause).message}. The next DEL of this attachment removes the rest.`

const failed = (main: Effect.Effect<void>): void =>
  NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: () => process.exit(1) })

const answerWith = (stdin: string, { code, details, msg }: CniError) =>
  Effect.ignore(writeDocument({ cniVersion: readRequest(process.env, stdin).version, code, msg, details }))

/** A signal ends the rollback; the document is written all the same. */
export const run = (left: Left): void =>
  failed(
    Effect.uninterruptibleMask(
      Effect.fnUntraced(function* (restore) {
        const exit = yield* Effect.exit(restore(takenBack(left)))
        if (left.untaken !== undefined) return yield* Effect.logError(unwritten(left.untaken, exit))
        yield* answerWith(left.stdin, told(exit))
      })
    ).pipe(Effect.provide(Log.layer(defaultLogOptions)))
  )

/** Answers a call, other than ADD, that was interrupted by a signal, and whose agent ended before it said so. */
export const stopped = (stdin: string, command: string): void =>
  failed(
    answerWith(
      stdin,
      CniError.of(
        ErrorCodes.Interrupted,
        `${command} was interrupted by a signal, and the agent ended during it: it may be incomplete`,
        `Try again: ${command} then does the rest.`
      )
    )
  )
