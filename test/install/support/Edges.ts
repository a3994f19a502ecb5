/** The node's edges for the command line; an installer uses no network. */
import { Effect, Layer } from "effect"
import { Files } from "../../../src/platform/Files.ts"
import { Https } from "../../../src/platform/Https.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import * as NodeProcesses from "../../platform/support/node/NodeProcesses.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"

export const edges = Layer.mergeAll(
  Files.layer,
  NodeSlots.layer,
  NodeSockets.layer,
  NodeProcesses.layer,
  Namespaces.layer,
  Layer.succeed(Https, Https.of({ send: ({ url }) => Effect.die(new Error(url)) }))
)
