/**
 * One CNI call as a value: (environment, stdin) to (document, exit status), over the given edges. Calls of one process
 * share nothing but what it hands to them ({@link Host}); `CniProcess.ts` has stdin, stdout and exit. An interrupted
 * call rolls back, then fails.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import type * as Layer from "effect/Layer"
import type { Call } from "../attachment/Call.ts"
import { add } from "../attachment/verbs/Add.ts"
import { type AnyAsked, type Asked, isOfNetwork, type Request, readRequest } from "../cni/Request.ts"
import { asCniError, CniError, ErrorCodes, errorOf, tooSlow } from "../cni/types/CniError.ts"
import { type CniResult, inVersion } from "../cni/types/CniResult.ts"
import type { Variables } from "../cni/types/Environment.ts"
import { hideInError, secretsIn } from "../cni/types/Secrets.ts"
import { type CniVersion, newestVersion } from "../cni/types/Versions.ts"
import { attachmentOf } from "../identity/Attachment.ts"
import type { Edges } from "../platform/Edges.ts"
import { type NamespaceKind, Namespaces } from "../platform/Namespaces.ts"
import * as Log from "../program/Log.ts"
import { type Answering, answered, commit, Deadlines } from "../program/Step.ts"
import { type OwnProcess, timed, untraced } from "../program/Trace.ts"
import { type Around, type Choices, choicesFor, chosen, type KeptSwitches, services } from "./Composition.ts"

/** The document for stdout: ADD's result, nothing for the others. */
export type Document = Readonly<{ [key: string]: unknown }> | undefined

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

/** What the process of a call hands to it. */
export interface Host {
  /** Decides when a call runs in a process of many. The wait counts towards the call's deadline. */
  readonly schedule?: (asked: AnyAsked) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Connections that are kept between calls; else each call has its own. */
  readonly switches?: KeptSwitches
  /** The name of an ADD, in its record, by which a caller that delegates it finds it; else a random one. */
  readonly invocation?: string
  /** Where the lines of the log go; else to stderr, and to the configured file. */
  readonly outputs?: Log.Outputs
  /** Only of a process that was started for this call. */
  readonly own?: OwnProcess
}

/** Completes when everything that the call opened is closed. */
export const call = (
  environment: Variables,
  stdin: string,
  edges: Layer.Layer<Edges>,
  asker: Asker,
  host: Host = {}
): Effect.Effect<void> => {
  const request = readRequest(environment, stdin)
  return answered(answer(request, edges, host), answering(request.version, asker))
}

/** Answers a call whose configuration could not be read. */
export const refuse = (error: CniError, asker: Asker): Effect.Effect<void> =>
  answered(Effect.fail(error), answering(newestVersion, asker))

const answering = (version: CniVersion, { leave, tell }: Asker): Answering<CniError> => ({
  tell: (exit) => tell(answerOf(version, exit)),
  leave: (exit) => leave?.(Exit.isSuccess(exit) ? 0 : 1) ?? Effect.void
})

const answerOf = (cniVersion: CniVersion, exit: Exit.Exit<Document, CniError>): Answer =>
  Exit.match(exit, {
    onSuccess: (document): Answer => ({ document, status: 0 }),
    onFailure: (cause): Answer => {
      const { code, details, msg } = errorOf(cause)
      return { document: { cniVersion, code, msg, details }, status: 1 }
    }
  })

/** Answers a call, with its log. */
export const answer = (
  request: Request,
  edges: Layer.Layer<Edges>,
  host: Host = {}
): Effect.Effect<Document, CniError> => {
  const { command, log, traceparent, whose } = request
  const served = serve(request, {}, host).pipe(Log.tracesTime(log) ? timed(command, traceparent, host.own) : untraced)
  const warned = Effect.forEach(log.warnings, (warning) => Effect.logWarning(warning))
  return (log.warnings.length === 0 ? served : Effect.andThen(warned, served)).pipe(
    Effect.tapCause((cause) => Effect.logError(errorOf(cause).message)),
    Effect.provide(edges),
    Effect.provide(Log.layer(log, whose, host.outputs))
  )
}

/** Runs the verb of a call that is not refused, on the given edges. */
export const serve = Effect.fnUntraced(function* (
  { asked: judged, command }: Request,
  around: Around = {},
  { invocation, schedule = () => identity, switches }: Host = {}
) {
  const asked = yield* Effect.fromResult(judged)
  const choices = choicesFor(around, switches)
  const { total } = yield* Deadlines
  // GC and STATUS are rare compared with ADD and DEL.
  const ofNetwork = Effect.promise(() => import("./NetworkVerbs.ts"))
  const done = isOfNetwork(asked)
    ? Effect.flatMap(ofNetwork, ({ runNetworkVerb }) => runNetworkVerb(asked, choices))
    : runVerb(asked, choices, invocation)
  return yield* done.pipe(
    Effect.provide(services(asked.stateDir, around)),
    schedule(asked),
    // It rolls back.
    Effect.timeoutOrElse({
      duration: `${total} seconds`,
      orElse: () => Effect.fail(tooSlow(command, total))
    }),
    Effect.mapError(hideInError(secretsIn(asked.envelope.value)))
  )
})

/** Runs ADD, DEL or CHECK, on a `Records` of the call's state directory. */
export const runVerb = (asked: Asked, choices: Choices, invocation?: string) =>
  Effect.satisfiesErrorType<CniError>()(Effect.mapError(program(asked, choices, invocation), asCniError))

const program = Effect.fnUntraced(function* (asked: Asked, choices: Choices, invocation: string | undefined) {
  const { envelope, environment, previous, verb } = asked
  yield* inspectSandbox(asked)
  const attachment = attachmentOf(envelope.name, environment)
  if (verb !== "ADD") {
    const { runRecordedVerb } = yield* Effect.promise(() => import("./RecordedVerbs.ts"))
    yield* runRecordedVerb(asked, attachment, choices)
    return undefined
  }
  const call: Call = { attachment, configuration: yield* asked.configuration, environment, previous, invocation }
  for (const warning of call.configuration.warnings) yield* Effect.logWarning(warning)
  const documentOf = (result: CniResult) => inVersion(envelope.version, result)
  const added = add(call, (result) => commit(documentOf(result)))
  return documentOf(yield* Effect.provide(added, chosen(call, choices)))
})

const inspectSandbox = Effect.fnUntraced(function* ({ environment: { netns, variables }, verb }: Asked) {
  if (netns === "") return
  const namespaces = yield* Namespaces
  const kind = yield* namespaces.judge(netns)
  const override = /^(1|t|true)$/i.test(variables["CNI_NETNS_OVERRIDE"] ?? "")
  if (kind === "own" && !override && verb !== "CHECK") {
    return yield* CniError.of(
      ErrorCodes.OwnNetns,
      `CNI_NETNS=${netns} is the plugin's own network namespace`,
      "Remove the network from pods with hostNetwork, or set CNI_NETNS_OVERRIDE=1 to attach anyway."
    )
  }
  const wrong = wrongSandbox[kind]
  if (verb === "ADD" && wrong !== undefined) {
    return yield* CniError.of(
      ErrorCodes.BadEnvironment,
      `CNI_NETNS=${netns} ${wrong}`,
      "Set it to the path of the sandbox's network namespace, such as /var/run/netns/NAME or /proc/PID/ns/net."
    )
  }
})

const wrongSandbox: Partial<Readonly<{ [kind in NamespaceKind]: string }>> = {
  missing: "does not exist",
  "out of sight": "does not exist",
  "other file": "is not a network namespace",
  unreadable: "cannot be accessed: permission denied"
}
