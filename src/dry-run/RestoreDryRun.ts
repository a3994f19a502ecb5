/** Dry run of `userspace restore` on layers that record: the outcome for each attachment, and the changes. */
import * as Effect from "effect/Effect"
import { engineFor, onServices } from "../app/Composition.ts"
import { type Restored, restoreNode, stepOf } from "../attachment/node/RestoreNode.ts"
import { everything, type Selector } from "../attachment/node/Selection.ts"
import type { Explained } from "../cni/spec/CniError.ts"
import type { Variables } from "../cni/spec/Environment.ts"
import * as RecordedEdges from "./edges/PlannedEdges.ts"
import * as RecordedEngine from "./PlannedEngine.ts"
import type { Change } from "./plan/Plan.ts"
import * as PlanRecorder from "./plan/PlanRecorder.ts"

interface Planned extends Restored {
  readonly changes: ReadonlyArray<Change>
}

export interface RestorePlan {
  readonly notes: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly attachments: ReadonlyArray<Planned>
  readonly damaged: ReadonlyArray<Explained>
}

export const dryRunRestore = Effect.fnUntraced(function* (
  stateDir: string,
  variables: Variables,
  selector: Selector = everything
) {
  const recorder = PlanRecorder.make("restore")
  const { layer, overlay } = yield* RecordedEdges.make(recorder)
  const { attachments, damaged } = yield* restoreNode({
    variables,
    engine: (port) => engineFor(port, RecordedEngine.around("restore", port, overlay, recorder)),
    millis: 0,
    selector
  }).pipe(onServices(stateDir), Effect.provide(layer))
  const steps = recorder.steps()
  const changesOf = (name: string) => steps.find(({ step }) => step === name)?.changes ?? []
  const plan: RestorePlan = {
    notes: recorder.notes(),
    warnings: recorder.warnings(),
    attachments: attachments.map((one) => ({ ...one, changes: changesOf(stepOf(one.record)) })),
    damaged
  }
  return plan
})
