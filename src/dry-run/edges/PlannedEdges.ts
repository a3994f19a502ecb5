/** The edges of a dry run: reads go to the real edges; changes are recorded. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type { Edges } from "../../platform/Edges.ts"
import { Files } from "../../platform/Files.ts"
import { Https } from "../../platform/Https.ts"
import { Processes } from "../../platform/Processes.ts"
import type { PlanRecorder } from "../plan/Plan.ts"
import * as PlannedFiles from "./PlannedFiles.ts"
import * as RecordedPrograms from "./PlannedPrograms.ts"

interface Recorded {
  readonly planned: PlannedFiles.PlannedFiles
  readonly layer: Layer.Layer<Files | Https | Processes>
}

export const make = Effect.fnUntraced(function* (recorder: PlanRecorder): Effect.fn.Return<Recorded, never, Edges> {
  const real = yield* Files
  const planned = PlannedFiles.make(real, recorder)
  const layer = Layer.mergeAll(
    Layer.succeed(Files, planned.files),
    Layer.succeed(Https, plannedHttps(yield* Https, recorder)),
    Layer.succeed(Processes, RecordedPrograms.processes(planned, recorder)),
    listening(recorder)
  )
  return { planned, layer }
})

/** Warnings in the call's log are part of the plan. */
const listening = (recorder: PlanRecorder) =>
  Layer.mergeAll(
    Logger.layer([
      Logger.make<unknown, void>(({ message }) =>
        recorder.warnings.add((Array.isArray(message) ? message : [message]).map(String).join(" "))
      )
    ]),
    Layer.succeed(References.MinimumLogLevel, "Warn")
  )

/**
 * {@link Https} that reads from the real server and records writes. Later reads return the recorded writes. Bodies are
 * not in the plan, because a pod contains more than the plugin may show.
 */
const plannedHttps = (real: Https["Service"], recorder: PlanRecorder): Https["Service"] => {
  const written = new Map<string, string>()
  return Https.of({
    send: (request) => {
      const { body = "", method, url } = request
      if (method === "GET") {
        const known = written.get(url)
        return known === undefined
          ? real.send(request)
          : Effect.succeed({ status: 200, retryAfter: undefined, body: known })
      }
      // A PUT has the whole object, also to its subresource. The result of a PATCH is not computed.
      if (method === "PUT") written.set(url.replace(/\/status$/, ""), body)
      return Effect.as(recorder.record({ kind: "https", method, url }), { status: 200, retryAfter: undefined, body })
    }
  })
}
