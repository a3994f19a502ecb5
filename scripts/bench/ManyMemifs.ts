/** Creates as many memifs in a VPP as a full node has, each as an ADD does, without a process for each. */
import { Effect, Layer } from "effect"
import * as BunSockets from "../../src/platform/bun/BunSockets.ts"
import { Files } from "../../src/platform/Files.ts"
import { VppClient } from "../../src/vpp/client/VppClient.ts"
import * as VppVswitch from "../../src/vpp/VppVswitch.ts"
import { Vswitch } from "../../src/vswitch/Vswitch.ts"
import { numbered } from "../../test/vpp/support/Numbered.ts"
import { plugOf } from "../../test/vswitch/support/PlugOf.ts"

const edge = Layer.mergeAll(Files.layer, BunSockets.slotsLayer, BunSockets.layer)

const on = (api: string) => {
  const client = Layer.provide(VppClient.layer(api), edge)
  return Layer.provide(VppVswitch.layer(), [client, edge])
}

/** Numbers from `from` to below `to`, with sockets in that directory. */
const each = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

export const fill = (api: string, directory: string, from: number, to: number) =>
  Effect.flatMap(Vswitch, (vswitch) =>
    Effect.forEach(each(from, to), (n) => plugOf(vswitch, numbered(directory, n)), { discard: true })
  ).pipe(Effect.provide(on(api)))

export const empty = (api: string, directory: string, from: number, to: number) =>
  Effect.flatMap(Vswitch, (vswitch) =>
    Effect.forEach(
      each(from, to),
      (n) => {
        const { attachment, port, socketPath } = numbered(directory, n)
        return vswitch.unplug({ attachment, invocation: undefined, port, socketPath })
      },
      { discard: true }
    )
  ).pipe(Effect.provide(on(api)))
