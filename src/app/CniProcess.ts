/** The process of one call: environment, signals, exit status, and the edges: real ones, or the fault campaign's. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as BunEdges from "../platform/bun/BunEdges.ts"
import type { Edges } from "../platform/Edges.ts"
import type { Read } from "../platform/process/StandardStreams.ts"
import { type Asker, call, refuse } from "./CniCall.ts"
import { configuration, writeDocument } from "./Stdio.ts"

const asker: Asker = {
  tell: ({ document }) => (document === undefined ? Effect.void : writeDocument(document)),
  // The document is written: exit at once.
  leave: (status) => Effect.sync(() => process.exit(status))
}

const own = {
  began: 0,
  // The default of a process that does not run `main.ts`.
  takeStackTraces: () => {
    Error.stackTraceLimit = 10
  }
}

/** `given`: stdin, if it has been read already. */
export const run = (edges: Layer.Layer<Edges> = BunEdges.layer, given?: Read): void => {
  const main = Effect.matchEffect(configuration(given), {
    onFailure: (error) => refuse(error, asker),
    onSuccess: (stdin) => call({ ...process.env }, stdin, edges, asker, { own })
  })
  NodeRuntime.runMain(main, {
    disableErrorReporting: true,
    // Only reached without an answer: a signal while stdin was read.
    teardown: () => process.exit(1)
  })
}
