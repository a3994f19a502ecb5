/**
 * One call played through: the programs of `attachment/` run unchanged on layers that record. An ADD is played twice: to
 * its end, for the result; and stopped after its last change, for the undo of each step.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { Records } from "../attachment/Records.ts"
import type { Edges, EngineLayer } from "../attachment/Services.ts"
import { type Document, runVerb, stateDirOfAsked } from "../attachment/Verbs.ts"
import type { CniError } from "../cni/CniError.ts"
import { type Asked, judge } from "../cni/Dispatch.ts"
import type { Variables } from "../cni/Environment.ts"
import { errorOf } from "../cni/Main.ts"
import { Ipam } from "../ipam/Ipam.ts"
import { Files } from "../platform/Files.ts"
import { Https } from "../platform/Https.ts"
import { Namespaces } from "../platform/Namespaces.ts"
import { Processes } from "../platform/Processes.ts"
import { Sockets } from "../platform/Sockets.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import * as Overlay from "./Overlay.ts"
import type { Plan } from "./Plan.ts"
import * as RecordedEngine from "./RecordedEngine.ts"
import * as RecordedFiles from "./RecordedFiles.ts"
import * as RecordedHttps from "./RecordedHttps.ts"
import * as RecordedPrograms from "./RecordedPrograms.ts"
import * as Recorder from "./Recorder.ts"

export interface Rehearsal {
  readonly verb: Asked["verb"]
  readonly variables: Variables
  /** The network configuration. */
  readonly text: string
  /** Nobody named a sandbox, so the one that CNI_NETNS says is taken to be there. */
  readonly assumeSandbox: boolean
}

/** Fails when the call would be refused before it begins. */
export const rehearse = Effect.fnUntraced(function* (rehearsal: Rehearsal): Effect.fn.Return<Plan, CniError, Edges> {
  const asked = yield* Effect.fromResult(judge(rehearsal.verb, rehearsal.variables, rehearsal.text))
  const first = Recorder.make()
  const exit = yield* Effect.exit(play(asked, rehearsal, first))
  const whole = Recorder.make(first.count())
  if (asked.verb === "ADD" && Exit.isSuccess(exit)) yield* Effect.exit(play(asked, rehearsal, whole))
  const error = Exit.isSuccess(exit) ? undefined : errorOf(exit.cause)
  return {
    dryRun: true,
    verb: asked.verb,
    network: String(asked.envelope.value["name"] ?? ""),
    containerId: asked.environment.containerId,
    ifName: asked.environment.ifName,
    netns: asked.environment.netns,
    notes: first.notes(),
    warnings: first.warnings(),
    steps: whole.count() > 0 ? whole.steps() : first.steps(),
    unknown: first.unknowns(),
    result: Exit.isSuccess(exit) ? (exit.value ?? null) : null,
    error: error === undefined ? null : { code: error.code, msg: error.msg, details: error.details }
  }
})

const play = Effect.fnUntraced(function* (
  asked: Asked,
  { assumeSandbox }: Rehearsal,
  recorder: Recorder.Recorder
): Effect.fn.Return<Document, CniError, Edges> {
  const real = yield* Files
  const sockets = yield* Sockets
  const namespaces = yield* Namespaces
  const overlay = Overlay.make(real)
  const files = RecordedFiles.make(real, overlay, recorder)
  const edges = Layer.mergeAll(
    Layer.succeed(Files, files),
    Layer.succeed(Https, RecordedHttps.make(yield* Https, recorder)),
    Layer.succeed(Sockets, sockets),
    Layer.succeed(Processes, RecordedPrograms.processes(overlay, recorder)),
    Layer.succeed(Namespaces, assumeSandbox ? assumed(asked, recorder) : namespaces)
  )
  const services = Layer.mergeAll(
    Records.layer(stateDirOfAsked(asked)),
    SharedDir.layer,
    Layer.succeed(Ipam, RecordedPrograms.ipam(files, recorder))
  )
  const engine = (port: Parameters<typeof RecordedEngine.layer>[1]): EngineLayer =>
    RecordedEngine.layer(asked.verb, port, overlay, recorder)
  return yield* runVerb(asked, engine).pipe(Effect.provide(services), Effect.provide([edges, listening(recorder)]))
})

const assumed = ({ environment: { netns } }: Asked, recorder: Recorder.Recorder): Namespaces["Service"] => {
  recorder.note(`No sandbox was named: ${netns} is taken to be one.`)
  return Namespaces.of({ judge: () => Effect.succeed("sandbox") })
}

/** What the call would warn of in its log belongs to the plan. */
const listening = (recorder: Recorder.Recorder) =>
  Layer.mergeAll(
    Logger.layer([
      Logger.make<unknown, void>(({ message }) =>
        recorder.warn((Array.isArray(message) ? message : [message]).map(String).join(" "))
      )
    ]),
    Layer.succeed(References.MinimumLogLevel, "Warn")
  )
