/**
 * Dry runs of one call and of `userspace restore`: the programs of `attachment/` run unchanged on layers that record.
 * An ADD runs twice: to its end, for the result; and stopped after its last change, for the rollback of each step.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type Document, runVerb } from "../app/CniCall.ts"
import { type Around, type Choices, choicesFor, engineFor, services } from "../app/Composition.ts"
import { type Restored, restoreRound, stepOf } from "../attachment/heal/RestoreRound.ts"
import { everything, type Selector } from "../attachment/node/Selection.ts"
import type { HostPort } from "../cni/network/HostPort.ts"
import { type Asked, isOfNetwork, readRequest } from "../cni/Request.ts"
import { type CniError, type Explained, errorOf } from "../cni/types/CniError.ts"
import type { Variables } from "../cni/types/Environment.ts"
import { hide, hideInError, secretsIn } from "../cni/types/Secrets.ts"
import type { AttachmentVerb } from "../cni/types/Versions.ts"
import type { Edges } from "../platform/Edges.ts"
import { Namespaces } from "../platform/Namespaces.ts"
import { CurrentUser } from "../platform/process/CurrentUser.ts"
import { type PortRequest, Vswitch } from "../vswitch/Vswitch.ts"
import * as RecordedEdges from "./edges/PlannedEdges.ts"
import type { PlannedFiles } from "./edges/PlannedFiles.ts"
import * as RecordedPrograms from "./edges/PlannedPrograms.ts"
import * as PlannedSwitch from "./ovs/PlannedSwitch.ts"
import { type Change, type Plan, type PlanRecorder, planRecorder, unknown } from "./plan/Plan.ts"
import * as PlannedVpp from "./vpp/PlannedVpp.ts"

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
  const request = readRequest({ ...rehearsal.variables, CNI_COMMAND: rehearsal.verb }, rehearsal.text)
  const asked = yield* Effect.fromResult(request.asked)
  if (isOfNetwork(asked)) return yield* Effect.die(`a dry run of ${asked.verb}`)
  const first = planRecorder(asked.verb)
  const exit = yield* Effect.exit(play(asked, rehearsal, first))
  const whole = planRecorder(asked.verb, first.count())
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
    notes: [...first.notes, ...(yield* asWhom)],
    obstacles: [...first.obstacles],
    warnings: [...request.log.warnings, ...first.warnings].map((warning) => hide(secrets, warning)),
    steps: whole.count() > 0 ? whole.steps() : first.steps(),
    unknown: [...first.unknowns],
    result: Exit.isSuccess(exit) ? (exit.value ?? null) : null,
    error: error === undefined ? null : { code: error.code, msg: error.msg, details: error.details }
  }
})

const play = Effect.fnUntraced(function* (
  asked: Asked,
  { assumeSandbox }: DryRun,
  recorder: PlanRecorder
): Effect.fn.Return<Document, CniError, Edges> {
  const namespaces = yield* Namespaces
  const { layer, planned } = yield* RecordedEdges.make(recorder)
  const edges = Layer.merge(layer, Layer.succeed(Namespaces, assumeSandbox ? assumed(asked, recorder) : namespaces))
  const choices: Choices = {
    ...choicesFor(),
    engine: (port) => engineFor(port, around(asked.verb, port, planned, recorder))
  }
  return yield* runVerb(asked, choices).pipe(
    Effect.provide(
      services(asked.stateDir, { Ipam: () => Effect.succeed(RecordedPrograms.ipam(planned.files, recorder)) })
    ),
    Effect.provide(edges)
  )
})

/** Notes another user. Permissions are not checked, because a runtime makes the real call. */
const asWhom = Effect.map(CurrentUser, ({ uid }) =>
  uid === 0
    ? []
    : ["The plan assumes root, as container runtimes run the plugin; this user lacks some of the permissions."]
)

const assumed = ({ environment: { netns } }: Asked, recorder: PlanRecorder): Namespaces["Service"] => {
  recorder.notes.add(`No sandbox was given: assuming ${netns}.`)
  return Namespaces.of({ judge: () => Effect.succeed("sandbox") })
}

/** Wraps a switch's client to record changes. CHECK only reads, so its client is not wrapped. */
export const around = (
  verb: AttachmentVerb | "restore",
  port: HostPort,
  files: PlannedFiles,
  recorder: PlanRecorder
): Around => {
  if (verb === "CHECK") {
    recorder.notes.add("CHECK changes nothing: it was run, except for the IPAM plugin's CHECK.")
    return {}
  }
  if (port.engine === "vpp") {
    return {
      VppClient: Effect.map((real) => PlannedVpp.make(real, verb, files, recorder)),
      Vswitch: Effect.map(knownAddresses(recorder))
    }
  }
  return { OvsClient: () => PlannedSwitch.make(verb, port, files, recorder) }
}

/** The port's addresses come from IPAM, which is not called. */
const knownAddresses =
  (recorder: PlanRecorder) =>
  (vswitch: Vswitch["Service"]): Vswitch["Service"] =>
    Vswitch.of({
      ...vswitch,
      preflight: (request) => vswitch.preflight({ ...request, addresses: known(request) }),
      plug: (request, found) => {
        const addresses = known(request)
        if (addresses.length < request.addresses.length) {
          recorder.unknowns.add("the calls that assign them to the port, and routes to the container where needed")
        }
        return vswitch.plug({ ...request, addresses }, found)
      }
    })

const known = ({ addresses }: PortRequest) => addresses.filter(({ address }) => address !== unknown)

interface Planned extends Restored {
  readonly changes: ReadonlyArray<Change>
}

export interface RestorePlan {
  readonly notes: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly attachments: ReadonlyArray<Planned>
  readonly damaged: ReadonlyArray<Explained>
}

/** The outcome for each attachment, and the changes. */
export const dryRunRestore = Effect.fnUntraced(function* (
  stateDir: string,
  variables: Variables,
  selector: Selector = everything
) {
  const recorder = planRecorder("restore")
  const { layer, planned } = yield* RecordedEdges.make(recorder)
  const { attachments, damaged } = yield* restoreRound({
    variables,
    engine: (port) => engineFor(port, around("restore", port, planned, recorder)),
    millis: 0,
    selector
  }).pipe(Effect.provide(services(stateDir)), Effect.provide(layer))
  const steps = recorder.steps()
  const changesOf = (name: string) => steps.find(({ step }) => step === name)?.changes ?? []
  const plan: RestorePlan = {
    notes: [...recorder.notes],
    warnings: [...recorder.warnings],
    attachments: attachments.map((one) => ({ ...one, changes: changesOf(stepOf(one.record)) })),
    damaged
  }
  return plan
})
