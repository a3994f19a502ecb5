/** The edges of a dry run: reads go to the real edges; changes are recorded. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type { Edges } from "../../platform/Edges.ts"
import { Files } from "../../platform/Files.ts"
import { Https } from "../../platform/Https.ts"
import { Processes } from "../../platform/Processes.ts"
import type { PlanRecorder } from "../plan/PlanRecorder.ts"
import * as Overlay from "./Overlay.ts"
import * as RecordedFiles from "./PlannedFiles.ts"
import * as RecordedHttps from "./PlannedHttps.ts"
import * as RecordedPrograms from "./PlannedPrograms.ts"

interface Recorded {
  /** For reads: nothing here changes the system. */
  readonly overlay: Overlay.Overlay
  readonly files: Files["Service"]
  readonly layer: Layer.Layer<Files | Https | Processes>
}

export const make = Effect.fnUntraced(function* (recorder: PlanRecorder): Effect.fn.Return<Recorded, never, Edges> {
  const real = yield* Files
  const overlay = Overlay.make(real)
  const files = RecordedFiles.make(real, overlay, recorder)
  const layer = Layer.mergeAll(
    Layer.succeed(Files, files),
    Layer.succeed(Https, RecordedHttps.make(yield* Https, recorder)),
    Layer.succeed(Processes, RecordedPrograms.processes(overlay, recorder)),
    listening(recorder)
  )
  return { overlay, files, layer }
})

/** Warnings in the call's log are part of the plan. */
const listening = (recorder: PlanRecorder) =>
  Layer.mergeAll(
    Logger.layer([
      Logger.make<unknown, void>(({ message }) =>
        recorder.warn((Array.isArray(message) ? message : [message]).map(String).join(" "))
      )
    ]),
    Layer.succeed(References.MinimumLogLevel, "Warn")
  )
