/**
 * Dry run of one call: the programs of `attachment/` run unchanged on layers that record. An ADD runs twice: to its
 * end, for the result; and stopped after its last change, for the rollback of each step.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { errorOf } from "../app/CniCall.ts"
import { choicesFor, engineFor, onServices } from "../app/Composition.ts"
import { type Choices, type Document, runVerb, stateDirOfAsked } from "../app/Verbs.ts"
import { type Asked, judgeVerb } from "../cni/Dispatch.ts"
import { readEnvelope } from "../cni/network/Configuration.ts"
import { logOptions } from "../cni/network/LogOptions.ts"
import type { CniError } from "../cni/spec/CniError.ts"
import type { Variables } from "../cni/spec/Environment.ts"
import { hide, hideInError, secretsIn } from "../cni/spec/Secrets.ts"
import type { Edges } from "../platform/Edges.ts"
import { Namespaces } from "../platform/Namespaces.ts"
import { CurrentUser } from "../platform/process/CurrentUser.ts"
import * as RecordedEdges from "./edges/PlannedEdges.ts"
import * as RecordedPrograms from "./edges/PlannedPrograms.ts"
import * as RecordedEngine from "./PlannedEngine.ts"
import type { Plan } from "./plan/Plan.ts"
import * as PlanRecorder from "./plan/PlanRecorder.ts"

export interface DryRun {
  readonly verb: Asked["verb"]
  readonly variables: Variables
  /** The network configuration. */
  readonly text: string
  /** True: no sandbox was given, so that of CNI_NETNS is assumed to exist. */
  readonly assumeSandbox: boolean
}

/** Fails when the call would be refused before it begins. */
export const dryRun = Effect.fnUntraced(function* (rehearsal: DryRun): Effect.fn.Return<Plan, CniError, Edges> {
  const asked = yield* Effect.fromResult(judgeVerb(rehearsal.verb, rehearsal.variables, readEnvelope(rehearsal.text)))
  const first = PlanRecorder.make(asked.verb)
  const exit = yield* Effect.exit(play(asked, rehearsal, first))
  const whole = PlanRecorder.make(asked.verb, first.count())
  if (asked.verb === "ADD" && Exit.isSuccess(exit)) yield* Effect.exit(play(asked, rehearsal, whole))
  const secrets = secretsIn(asked.envelope.value)
  const error = Exit.isSuccess(exit) ? undefined : hideInError(secrets)(errorOf(exit.cause))
  return {
    dryRun: true,
    verb: asked.verb,
    network: String(asked.envelope.value["name"] ?? ""),
    containerId: asked.environment.containerId,
    ifName: asked.environment.ifName,
    netns: asked.environment.netns,
    notes: [...first.notes(), ...(yield* asWhom)],
    obstacles: first.obstacles(),
    warnings: [...logOptions(asked.envelope.value).warnings, ...first.warnings()].map((warning) =>
      hide(secrets, warning)
    ),
    steps: whole.count() > 0 ? whole.steps() : first.steps(),
    unknown: first.unknowns(),
    result: Exit.isSuccess(exit) ? (exit.value ?? null) : null,
    error: error === undefined ? null : { code: error.code, msg: error.msg, details: error.details }
  }
})

const play = Effect.fnUntraced(function* (
  asked: Asked,
  { assumeSandbox }: DryRun,
  recorder: PlanRecorder.PlanRecorder
): Effect.fn.Return<Document, CniError, Edges> {
  const namespaces = yield* Namespaces
  const { files, layer, overlay } = yield* RecordedEdges.make(recorder)
  const edges = Layer.merge(layer, Layer.succeed(Namespaces, assumeSandbox ? assumed(asked, recorder) : namespaces))
  const choices: Choices = {
    ...choicesFor(),
    engine: (port) => engineFor(port, RecordedEngine.around(asked.verb, port, overlay, recorder))
  }
  return yield* runVerb(asked, choices).pipe(
    onServices(stateDirOfAsked(asked), { Ipam: () => Effect.succeed(RecordedPrograms.ipam(files, recorder)) }),
    Effect.provide(edges)
  )
})

/** Notes another user. Permissions are not checked, because a runtime makes the real call. */
const asWhom = Effect.map(CurrentUser, ({ uid }) =>
  uid === 0
    ? []
    : ["The plan assumes root, as container runtimes run the plugin; this user lacks some of the permissions."]
)

const assumed = ({ environment: { netns } }: Asked, recorder: PlanRecorder.PlanRecorder): Namespaces["Service"] => {
  recorder.note(`No sandbox was given: assuming ${netns}.`)
  return Namespaces.of({ judge: () => Effect.succeed("sandbox") })
}
