/** The process of a verb: the real edges, the signals, the exit status. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Exit from "effect/Exit"
import * as BunEdges from "../platform/BunEdges.ts"
import { main } from "./Main.ts"

export const run = (): void => {
  NodeRuntime.runMain(main(process.env["CNI_COMMAND"] ?? "", process.env, BunEdges.layer), {
    disableErrorReporting: true,
    // The work is done and the document written: nothing is worth waiting for.
    teardown: (exit) => process.exit(Exit.isSuccess(exit) ? 0 : 1)
  })
}
