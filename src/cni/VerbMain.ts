/** The process of a verb: the real edges, the signals, the exit status. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as BunProcesses from "../platform/BunProcesses.ts"
import * as BunSockets from "../platform/BunSockets.ts"
import { Files } from "../platform/Files.ts"
import { Namespaces } from "../platform/Namespaces.ts"
import { main } from "./Main.ts"

export const run = (): void => {
  const edges = Layer.mergeAll(Files.layer, Namespaces.layer, BunProcesses.layer, BunSockets.layer)
  NodeRuntime.runMain(main(process.env["CNI_COMMAND"] ?? "", process.env, edges), {
    disableErrorReporting: true,
    // The work is done and the document written: nothing is worth waiting for.
    teardown: (exit) => process.exit(Exit.isSuccess(exit) ? 0 : 1)
  })
}
