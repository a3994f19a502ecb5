/** A CNI verb when CNI_COMMAND is set, else the command line, which is loaded only then. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { main } from "./cni/Main.ts"
import * as BunProcesses from "./platform/BunProcesses.ts"
import * as BunSockets from "./platform/BunSockets.ts"
import { Files } from "./platform/Files.ts"
import { Namespaces } from "./platform/Namespaces.ts"

const edges = Layer.mergeAll(Files.layer, Namespaces.layer, BunProcesses.layer, BunSockets.layer)

const command = process.env["CNI_COMMAND"]

NodeRuntime.runMain(command === undefined ? Effect.void : main(command, process.env, edges), {
  disableErrorReporting: true,
  // The work is done and the document written: nothing is worth waiting for.
  teardown: (exit) => process.exit(Exit.isSuccess(exit) ? 0 : 1)
})
