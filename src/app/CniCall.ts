/**
 * One CNI call as a value: from its environment and stdin to the one document and the exit status, over the edges that it
 * is given. Any number of calls go on in a process at the same time, and have nothing of the process: how a process reads
 * stdin, writes the document and ends is in `CniProcess.ts`. An interrupted call rolls back first and then answers like a
 * failed one.
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
import type { Control } from "../cni/network/HostPort.ts"
import { defaultLogOptions, logOptions, tracesTime } from "../cni/network/LogOptions.ts"
import { CniError } from "../cni/spec/CniError.ts"
import type { Variables } from "../cni/spec/Environment.ts"
import { ErrorCodes } from "../cni/spec/ErrorCodes.ts"
import { hideInError, secretsIn } from "../cni/spec/Secrets.ts"
import type { NetworkVerb } from "../cni/spec/Versions.ts"
import type { Edges } from "../platform/Edges.ts"
import { type Answering, answered } from "../program/Committed.ts"
import { Deadlines } from "../program/Deadlines.ts"
import * as Log from "../program/Log.ts"
import { timed } from "../program/Trace.ts"
import { type Around, choicesFor, onServices } from "./Composition.ts"
import { toBeRetried } from "./RetriedWords.ts"
import { type Choices, type Document, runVerb, stateDirOfAsked } from "./Verbs.ts"

/** What a process writes and exits with. Undefined: nothing is written. */
export interface Answer {
  readonly document: Document
  readonly status: 0 | 1
}

/** Who has asked. */
export interface Asker {
  /** Gets the answer, once, also when the call is interrupted. Fails when it cannot be taken: then an ADD is undone. */
  readonly tell: (answer: Answer) => Effect.Effect<void, CniError>
  /** Nothing will be undone any more: who has nothing else to do need not wait for connections to be closed. */
  readonly leave?: (status: 0 | 1) => Effect.Effect<void>
}

/** Ends when everything that the call had open is closed as well. */
export const call = (
  environment: Variables,
  stdin: string,
  edges: Layer.Layer<Edges>,
  asker: Asker
): Effect.Effect<void> => {
  const reading = readEnvelope(stdin)
  return answered(answer(environment["CNI_COMMAND"] ?? "", environment, reading, edges), answering(reading, asker))
}

/** A call of which not even the configuration could be read. */
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

/** With its log. */
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
    tracesTime(options) ? timed(command, variables["TRACEPARENT"]) : Effect.withTracerEnabled(false)
  )
  const warned = Effect.forEach(options.warnings, (warning) => Effect.logWarning(warning))
  return (options.warnings.length === 0 ? served : Effect.andThen(warned, served)).pipe(
    Effect.tapCause((cause) => Effect.logError(errorOf(cause).message)),
    Effect.provide(edges),
    Effect.provide(Log.layer(options, annotations(variables, reading)))
  )
}

/** Of a process of many calls: waits until it is this one's turn. The wait is a part of the call's time. */
export interface Turn {
  readonly take: (asked: AnyAsked) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const Turn = Context.Reference<Turn>("userspace-cni/Turn", { defaultValue: () => ({ take: () => identity }) })

const inTurn =
  (asked: AnyAsked) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Turn, ({ take }) => take(asked)(self))

/** Judges the call and runs its verb on the edges that it is given. */
export const serve = Effect.fnUntraced(function* (
  command: string,
  variables: Variables,
  reading: Reading,
  around?: Around
) {
  const asked = yield* Effect.fromResult(judge(command, variables, reading))
  const choices = choicesFor(around)
  return yield* (isOfNetwork(asked) ? ofNetwork(asked, choices) : runVerb(asked, choices)).pipe(
    onServices(stateDirOfAsked(asked), around),
    inTurn(asked),
    inTime(command),
    Effect.mapError(hideInError(secretsIn(asked.envelope.value)))
  )
})

/** Gives up, and undoes, when the whole takes too long. */
export const inTime =
  (command: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CniError, R> =>
    Effect.flatMap(Deadlines, ({ total }) =>
      Effect.timeoutOrElse(self, {
        duration: `${total} seconds`,
        orElse: () => Effect.fail(tooSlow(command, total))
      })
    )

/** A node has one of these for hundreds of the others. */
const ofNetwork = (asked: Asked<NetworkVerb>, choices: Choices<Control>) =>
  Effect.flatMap(
    Effect.promise(() => import("./NetworkVerbs.ts")),
    ({ runNetworkVerb }) => runNetworkVerb(asked, choices)
  )

const tooSlow = (command: string, seconds: number) =>
  CniError.of(
    ErrorCodes.TryAgainLater,
    `${command} timed out after ${seconds} s${command === "ADD" ? "; changes were rolled back" : ""}`,
    'Set logLevel to "debug": the log then has the time of each step.'
  )

/** Whose call it is. */
export const annotations = (variables: Variables, reading: Reading) => ({
  container: variables["CNI_CONTAINERID"] ?? "",
  netns: variables["CNI_NETNS"] ?? "",
  interface: variables["CNI_IFNAME"] ?? "",
  network: Result.match(reading, { onFailure: () => "", onSuccess: ({ name }) => name })
})

/** What a call says when it has failed, in whatever way. */
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
