/** One `plug` in a separate process, as for an ADD. Arguments: API socket, directory, number of the attachment. */
import { Effect, Layer } from "effect"
import * as BunSockets from "../../../src/platform/bun/BunSockets.ts"
import { Files } from "../../../src/platform/Files.ts"
import { VppClient } from "../../../src/vpp/client/VppClient.ts"
import * as VppVswitch from "../../../src/vpp/VppVswitch.ts"
import { Vswitch } from "../../../src/vswitch/Vswitch.ts"
import { plugOf } from "../../vswitch/support/PlugOf.ts"
import { numberedAndLimited } from "./Numbered.ts"

const [, , path = "", directory = "", number = "0"] = process.argv

const edge = Layer.mergeAll(Files.layer, BunSockets.slotsLayer, BunSockets.layer)
const client = Layer.provide(VppClient.layer(path), edge)
const live = Layer.provide(VppVswitch.layer(), [client, edge])

const main = Effect.flatMap(Vswitch, (vswitch) => plugOf(vswitch, numberedAndLimited(directory, Number(number))))
await Effect.runPromise(Effect.provide(main, live))
