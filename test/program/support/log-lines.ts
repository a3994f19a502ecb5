/** Logs a line of each level with the given configuration, in a separate process so that stderr can be read. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { logOptions } from "../../../src/cni/network/LogOptions.ts"
import * as Log from "../../../src/program/Log.ts"
import { timed } from "../../../src/program/Trace.ts"

const lines = Effect.gen(function* () {
  yield* Effect.logFatal("a fatal thing")
  yield* Effect.logError("an error", "in two parts")
  yield* Effect.logWarning("a warning\non two lines")
  yield* Effect.logInfo("information").pipe(Effect.annotateLogs({ odd: 'a "b"\nc=d', escape: "\x1b[2J\x9b\u202e" }))
  yield* Effect.logDebug("a detail")
  yield* Effect.logTrace("a small detail")
  yield* Effect.logError("because", Cause.fail(new Error("it broke")))
  yield* Effect.void.pipe(Effect.withSpan("a step"))
})

const [conf = "{}", traceparent] = process.argv.slice(2)
const options = logOptions(JSON.parse(conf))

Effect.runSync(
  lines.pipe(
    timed("ADD", traceparent, { began: 0, takeStackTraces: () => undefined }),
    Effect.andThen(Effect.forEach(options.warnings, (warning) => Effect.logWarning(warning))),
    Effect.provide(Log.layer(options, { container: "0958c8871b32", netns: "/n", interface: "net1", network: "" }))
  )
)
