/** `userspace container ...` as a person types it, with Node's edges: output, errors and exit. */
import { NodeServices } from "@effect/platform-node"
import { Effect, Exit, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { commandLine } from "../../../src/cli/CommandLine.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import * as NodeHttps from "../../platform/support/node/NodeHttps.ts"
import * as NodeProcesses from "../../platform/support/node/NodeProcesses.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { filesWith } from "./Mounts.ts"

const edges = Layer.mergeAll(
  NodeServices.layer,
  Namespaces.layer,
  NodeHttps.layer,
  NodeProcesses.layer,
  NodeSlots.layer,
  NodeSockets.layer
)

export const run = (args: ReadonlyArray<string>, variables: Readonly<Record<string, string>> = {}, mountinfo = "") =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(commandLine(["container", ...args], variables))
    const out = (yield* TestConsole.logLines).join("\n")
    const err = (yield* TestConsole.errorLines).join("\n")
    return { failed: Exit.isFailure(exit), out, err }
  }).pipe(Effect.provide([Layer.fresh(TestConsole.layer), edges, filesWith(mountinfo)]))
