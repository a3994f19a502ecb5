/**
 * One CNI call as a value: (environment, stdin) to (document, exit status), over the given edges. Calls of one process
 * share nothing of it; `CniProcess.ts` has stdin, stdout and exit. An interrupted call rolls back, then fails.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { type AnyAsked, type Asked, answerVersion, isOfNetwork, judge } from "../cni/Dispatch.ts"
import { type Reading, readEnvelope } from "../cni/network/Configuration.ts"
import { defaultLogOptions, logOptions, tracesTime } from "../cni/network/LogOptions.ts"
import { CniError, ErrorCodes } from "../cni/types/CniError.ts"
import type { Variables } from "../cni/types/Environment.ts"
import { hideInError, secretsIn } from "../cni/types/Secrets.ts"
import type { NetworkVerb } from "../cni/types/Versions.ts"
import type { Edges } from "../platform/Edges.ts"
import { type Answering, answered } from "../program/Committed.ts"
import * as Log from "../program/Log.ts"
import { Deadlines } from "../program/Step.ts"
import { timed, untraced } from "../program/Trace.ts"
import { type Around, choicesFor, onServices } from "./Composition.ts"
import { type Document, runVerb, stateDirOfAsked } from "./Verbs.ts"

/** Document and exit status. Undefined: nothing is written. */
export interface Answer {
  readonly document: Document
  readonly status: 0 | 1
}

/** The caller of a call. */
export interface Asker {
  /** Receives the answer once, also when the call is interrupted. When it fails, an ADD is rolled back. */
  readonly tell: (answer: Answer) => Effect.Effect<void, CniError>
  /** Nothing is rolled back after this, so a process need not wait for connections to close. */
  readonly leave?: (status: 0 | 1) => Effect.Effect<void>
}

/** Completes when everything that the call opened is closed. */
export const call = (
  environment: Variables,
  stdin: string,
  edges: Layer.Layer<Edges>,
  asker: Asker
): Effect.Effect<void> => {
  const reading = readEnvelope(stdin)
  return answered(answer(environment["CNI_COMMAND"] ?? "", environment, reading, edges), answering(reading, asker))
}

/** Answers a call whose configuration could not be read. */
export const refuse = (error: CniError, asker: Asker): Effect.Effect<void> =>
  answered(Effect.fail(error), answering(readEnvelope(""), asker))

const answering = (reading: Reading, { leave, tell }: Asker): Answering<CniError> => ({
  tell: (exit) => tell(answerOf(reading, exit)),
  leave: (exit) => leave?.(Exit.isSuccess(exit) ? 0 : 1) ?? Effect.void
})

const answerOf = (reading: Reading, exit: Exit.Exit<Document, CniError>): Answer =>
  Exit.match(exit, {
    onSuccess: (document): Answer => ({ document, status: 0 }),
    onFailure: (cause): Answer => {
      const { code, details, msg } = errorOf(cause)
      return { document: { cniVersion: answerVersion(reading), code, msg, details }, status: 1 }
    }
  })

/** Answers a call, with its log. */
export const answer = (
  command: string,
  variables: Variables,
  reading: Reading,
  edges: Layer.Layer<Edges>
): Effect.Effect<Document, CniError> => {
  const options = Result.match(reading, {
    onFailure: () => defaultLogOptions,
    onSuccess: ({ value }) => logOptions(value)
  })
  const served = serve(command, variables, reading).pipe(
    tracesTime(options) ? timed(command, variables["TRACEPARENT"]) : untraced
  )
  const warned = Effect.forEach(options.warnings, (warning) => Effect.logWarning(warning))
  return (options.warnings.length === 0 ? served : Effect.andThen(warned, served)).pipe(
    Effect.tapCause((cause) => Effect.logError(errorOf(cause).message)),
    Effect.provide(edges),
    Effect.provide(Log.layer(options, annotations(variables, reading)))
  )
}

/** Decides when a call runs in a process of many. The wait counts towards the call's deadline. */
export interface CallScheduler {
  readonly schedule: (asked: AnyAsked) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const CallScheduler = Context.Reference<CallScheduler>("userspace-cni/CallScheduler", {
  defaultValue: () => ({ schedule: () => identity })
})

/** Validates the call and runs its verb on the given edges. */
export const serve = Effect.fnUntraced(function* (
  command: string,
  variables: Variables,
  reading: Reading,
  around?: Around
) {
  const asked = yield* Effect.fromResult(judge(command, variables, reading))
  const choices = choicesFor(around)
  const { schedule } = yield* CallScheduler
  const { total } = yield* Deadlines
  // GC and STATUS are rare compared with ADD and DEL.
  const ofNetwork = (asked: Asked<NetworkVerb>) =>
    Effect.flatMap(
      Effect.promise(() => import("./NetworkVerbs.ts")),
      ({ runNetworkVerb }) => runNetworkVerb(asked, choices)
    )
  return yield* (isOfNetwork(asked) ? ofNetwork(asked) : runVerb(asked, choices)).pipe(
    onServices(stateDirOfAsked(asked), around),
    schedule(asked),
    // It rolls back.
    Effect.timeoutOrElse({
      duration: `${total} seconds`,
      orElse: () => Effect.fail(tooSlow(command, total))
    }),
    Effect.mapError(hideInError(secretsIn(asked.envelope.value)))
  )
})

const tooSlow = (command: string, seconds: number) =>
  CniError.of(
    ErrorCodes.TryAgainLater,
    `${command} timed out after ${seconds} s${command === "ADD" ? "; changes were rolled back" : ""}`,
    'Set logLevel to "debug": the log then has the time of each step.'
  )

/** Log fields that identify the call. */
export const annotations = (variables: Variables, reading: Reading) => ({
  container: variables["CNI_CONTAINERID"] ?? "",
  netns: variables["CNI_NETNS"] ?? "",
  interface: variables["CNI_IFNAME"] ?? "",
  network: Result.match(reading, { onFailure: () => "", onSuccess: ({ name }) => name })
})

/** The error document of a failed call, for any cause. */
export const errorOf = (cause: Cause.Cause<CniError>): CniError => toBeRetried(failureOf(cause))

const failureOf = (cause: Cause.Cause<CniError>): CniError =>
  Option.getOrElse(Cause.findErrorOption(cause), () =>
    Cause.hasInterruptsOnly(cause)
      ? CniError.of(
          ErrorCodes.Interrupted,
          "interrupted by a signal; an ADD was rolled back",
          "Try again: a DEL then does the rest."
        )
      : CniError.of(
          ErrorCodes.Internal,
          `internal error: ${String(Cause.squash(cause))}`,
          "This is a bug in the plugin. Report it with the log at debug level."
        )
  )

/**
 * The words that make Multus treat a failed DEL as final, even with `retryDeleteOnError` (seen in 4.2). The plugin's
 * failed DELs must always be repeated, whoever wrote the message: an IPAM plugin, a file system, bun.
 */
const finalWords = /no such file or directory/gi

const told = (text: string): string => text.replace(finalWords, "it does not exist")

const toBeRetried = (error: CniError): CniError =>
  new CniError({ code: error.code, msg: told(error.msg), details: told(error.details) })
