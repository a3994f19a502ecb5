/** The process of a verb: the real edges, the signals, the exit status. Other edges are for the fault campaign. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import type * as Layer from "effect/Layer"
import type { Edges } from "../attachment/Services.ts"
import * as BunEdges from "../platform/BunEdges.ts"
import { main } from "./Main.ts"

export const run = (edges: Layer.Layer<Edges> = BunEdges.layer): void => {
  // The work is done and the document written: nothing is worth waiting for.
  const leave = (status: 0 | 1) => process.exit(status)
  NodeRuntime.runMain(main(process.env["CNI_COMMAND"] ?? "", process.env, edges, leave), {
    disableErrorReporting: true,
    // Reached only by what never came to an answer: a signal while stdin was read.
    teardown: () => process.exit(1)
  })
}
