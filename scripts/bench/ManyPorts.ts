/** Creates as many ports on an Open vSwitch as a full node has, each as an ADD does, without a process for each. */
import { Effect, Layer } from "effect"
import type { OvsVhostPort } from "../../src/cni/network/HostPort.ts"
import { OvsClient } from "../../src/ovs/client/OvsClient.ts"
import * as OvsVswitch from "../../src/ovs/OvsVswitch.ts"
import * as BunSockets from "../../src/platform/bun/BunSockets.ts"
import { Files } from "../../src/platform/Files.ts"
import { Vswitch } from "../../src/vswitch/Vswitch.ts"
import { numbered } from "../../test/vpp/support/Numbered.ts"
import { ovsPort } from "../../test/vswitch/support/MinimalPorts.ts"
import { plugOf } from "../../test/vswitch/support/PlugOf.ts"

const edge = Layer.mergeAll(Files.layer, BunSockets.layer)

const on = (database: string) =>
  Layer.provide(OvsVswitch.layer(), [Layer.provide(OvsClient.layer(database), edge), edge])

const port = (database: string, bridge: string): OvsVhostPort => ({
  ...ovsPort,
  control: database,
  netType: "bridge",
  mode: "client",
  ovsSocketDir: "",
  bridge
})

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

/** Numbers from `from` to below `to`, on an existing bridge. */
export const fill = (database: string, bridge: string, directory: string, from: number, to: number) =>
  Effect.flatMap(Vswitch, (vswitch) =>
    Effect.forEach(
      numbers(from, to),
      (n) => plugOf(vswitch, { ...numbered(directory, n), port: port(database, bridge) }),
      { discard: true, concurrency: 8 }
    )
  ).pipe(Effect.provide(on(database)))

export const empty = (database: string, directory: string, from: number, to: number) =>
  Effect.flatMap(Vswitch, (vswitch) =>
    Effect.forEach(
      numbers(from, to),
      (n) => {
        const { attachment, socketPath } = numbered(directory, n)
        return vswitch.unplug({ attachment, invocation: undefined, port: undefined, socketPath })
      },
      { discard: true, concurrency: 8 }
    ).pipe(
      // DEL does not wait for ovs-vswitchd, and this many keep it busy for seconds.
      Effect.andThen(Effect.retry(vswitch.status(port(database, "")), { times: 20 }))
    )
  ).pipe(Effect.provide(on(database)))
