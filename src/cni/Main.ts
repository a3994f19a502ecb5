/**
 * One CNI call as a process: reads stdin, runs the verb, writes the one document, and says with the exit status how it
 * went. An interrupted call (SIGTERM, SIGINT) rolls back first and then answers like a failed one.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { engineFor } from "../attachment/Engines.ts"
import { Records } from "../attachment/Records.ts"
import type { Edges } from "../attachment/Services.ts"
import { type Document, runVerb, stateDirOfAsked } from "../attachment/Verbs.ts"
import { Ipam } from "../ipam/Ipam.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import { CniError } from "./CniError.ts"
import { readEnvelope } from "./Configuration.ts"
import { Deadlines } from "./Deadlines.ts"
import { answerVersion, judge } from "./Dispatch.ts"
import type { Variables } from "./Environment.ts"
import { ErrorCodes } from "./ErrorCodes.ts"
import * as Log from "./Log.ts"
import { defaultLogOptions, logOptions, tracesTime } from "./LogOptions.ts"
import { readStdin, writeDocument } from "./Stdio.ts"
import { timed } from "./Trace.ts"

/** Fails when the call did; the error document is written by then. */
export const main = (command: string, variables: Variables, edges: Layer.Layer<Edges>): Effect.Effect<void, CniError> =>
  Effect.matchEffect(readStdin, {
    onFailure: (error) => Effect.andThen(write("", Exit.fail(error)), error),
    onSuccess: (text) =>
      answer(command, variables, text, edges).pipe(
        Effect.onExit((exit) => write(text, exit)),
        Effect.asVoid
      )
  })

const answer = (
  command: string,
  variables: Variables,
  text: string,
  edges: Layer.Layer<Edges>
): Effect.Effect<Document, CniError> => {
  const options = Result.match(readEnvelope(text), {
    onFailure: () => defaultLogOptions,
    onSuccess: ({ value }) => logOptions(value)
  })
  return serve(command, variables, text).pipe(
    tracesTime(options) ? timed(command, variables["TRACEPARENT"]) : Effect.withTracerEnabled(false),
    Effect.tap(() => Effect.forEach(options.warnings, (warning) => Effect.logWarning(warning))),
    Effect.tapCause((cause) => Effect.logError(errorOf(cause).message)),
    Effect.annotateLogs(annotations(variables, text)),
    Effect.provide(Layer.mergeAll(edges, Log.layer(options)))
  )
}

/** Judges the call and runs its verb on the edges that it is given. */
export const serve = Effect.fnUntraced(function* (command: string, variables: Variables, text: string) {
  const asked = yield* Effect.fromResult(judge(command, variables, text))
  const { total } = yield* Deadlines
  const services = Layer.mergeAll(Records.layer(stateDirOfAsked(asked)), SharedDir.layer, Ipam.layer)
  return yield* runVerb(asked, engineFor).pipe(
    Effect.provide(services),
    Effect.timeoutOrElse({ duration: `${total} seconds`, orElse: () => Effect.fail(tooSlow(command, total)) })
  )
})

const tooSlow = (command: string, seconds: number) =>
  CniError.of(
    ErrorCodes.TryAgainLater,
    `${command} was not done within ${seconds} s, and was undone`,
    'Set logLevel to "debug": the log then says where the time goes.'
  )

/** On every line, so that one attachment's lines can be found among all. */
export const annotations = (variables: Variables, text: string) => ({
  container: variables["CNI_CONTAINERID"] ?? "",
  netns: variables["CNI_NETNS"] ?? "",
  interface: variables["CNI_IFNAME"] ?? "",
  network: Result.match(readEnvelope(text), { onFailure: () => "", onSuccess: ({ name }) => name })
})

const write = (text: string, exit: Exit.Exit<Document, CniError>): Effect.Effect<void> =>
  Exit.match(exit, {
    onSuccess: (document) => (document === undefined ? Effect.void : writeDocument(document)),
    onFailure: (cause) => {
      const { code, details, msg } = errorOf(cause)
      return writeDocument({ cniVersion: answerVersion(text), code, msg, details })
    }
  })

/** What a call says when it has failed, in whatever way. */
export const errorOf = (cause: Cause.Cause<CniError>): CniError =>
  Option.getOrElse(Cause.findErrorOption(cause), () =>
    Cause.hasInterruptsOnly(cause)
      ? CniError.of(
          ErrorCodes.Interrupted,
          "stopped by a signal; what was done is undone",
          "Send DEL, for a signal that came when ADD was complete already. Then try again."
        )
      : CniError.of(
          ErrorCodes.Internal,
          `internal error: ${String(Cause.squash(cause))}`,
          "This is a defect of the plugin: please report it with the log at debug level."
        )
  )
