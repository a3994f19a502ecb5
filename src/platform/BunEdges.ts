/** The world as the executable reaches it: every edge, on bun where that starts faster than Node's modules. */
import * as Layer from "effect/Layer"
import * as BunProcesses from "./BunProcesses.ts"
import * as BunSlots from "./BunSlots.ts"
import * as BunSockets from "./BunSockets.ts"
import { Files } from "./Files.ts"
import { Namespaces } from "./Namespaces.ts"

export const layer = Layer.mergeAll(Files.layer, Namespaces.layer, BunProcesses.layer, BunSlots.layer, BunSockets.layer)
