/**
 * A node without root: the real programs on edges of the demonstration's. What a call logs is kept, so that a rollback
 * can be shown. `VppWorld.ts` has the one with VPP; here is the one whose switch and files are in memory.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { Records } from "../../src/attachment/Records.ts"
import type { Edges, EngineLayer } from "../../src/attachment/Services.ts"
import { type Document, runVerb, stateDirOfAsked } from "../../src/attachment/Verbs.ts"
import type { CniError } from "../../src/cni/CniError.ts"
import { readEnvelope } from "../../src/cni/Configuration.ts"
import { judgeVerb } from "../../src/cni/Dispatch.ts"
import { Ipam } from "../../src/ipam/Ipam.ts"
import * as IpamMemory from "../../src/ipam/IpamMemory.ts"
import * as OvsMemory from "../../src/ovs/OvsMemory.ts"
import * as OvsVswitch from "../../src/ovs/OvsVswitch.ts"
import * as FilesMemory from "../../src/platform/FilesMemory.ts"
import { Https } from "../../src/platform/Https.ts"
import { Namespaces } from "../../src/platform/Namespaces.ts"
import { Processes } from "../../src/platform/Processes.ts"
import { Slots } from "../../src/platform/Slots.ts"
import { SocketError, Sockets } from "../../src/platform/Sockets.ts"
import { SharedDir } from "../../src/shared-dir/SharedDir.ts"
import * as Show from "./Show.ts"

export interface Asked {
  readonly verb: "ADD" | "CHECK" | "DEL"
  readonly containerId: string
  readonly configuration: string
}

/** What is at a path, and below it. */
export interface Tree {
  readonly get: (path: string) => { readonly kind: string; readonly mode: number; readonly content: string } | undefined
  readonly names: (path: string) => ReadonlyArray<string>
}

export interface World {
  readonly call: (asked: Asked) => Effect.Effect<Document, CniError>
  readonly log: Array<string>
  readonly files: Tree
  /** Equal texts are equal worlds. */
  readonly state: () => string
  /** As an administrator would look at the switch. */
  readonly switchLines: Effect.Effect<ReadonlyArray<string>, Error>
}

/** No API server is asked and no program is run. The only sandbox of a world is the one that a call names. */
export const noOthers = Layer.mergeAll(
  Layer.succeed(Https, Https.of({ send: ({ url }) => Effect.die(new Error(`${url} was asked`)) })),
  Layer.succeed(Namespaces, Namespaces.of({ judge: () => Effect.succeed("sandbox") })),
  Layer.succeed(Processes, Processes.of({ run: ({ program }) => Effect.die(new Error(`${program} was run`)) }))
)

export const caller = (
  edges: Layer.Layer<Edges>,
  engine: EngineLayer,
  leases: IpamMemory.MemoryLeases
): Pick<World, "call" | "log"> => {
  const log: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void log.push(String(message)))
  const call = Effect.fnUntraced(
    function* ({ configuration, containerId, verb }: Asked) {
      const variables = {
        CNI_CONTAINERID: containerId,
        CNI_NETNS: `/var/run/netns/${containerId}`,
        CNI_IFNAME: "net1",
        CNI_PATH: "/opt/cni/bin"
      }
      const asked = yield* Effect.fromResult(judgeVerb(verb, variables, readEnvelope(configuration)))
      const services = Layer.mergeAll(Records.layer(stateDirOfAsked(asked)), SharedDir.layer, ipamOver(leases))
      return yield* Effect.provide(
        runVerb(asked, () => engine),
        services
      )
    },
    Effect.provide([edges, Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Info")])
  )
  return { call, log }
}

export const make = (): World => {
  const files = new FilesMemory.MemoryFiles(["/run", "/var/lib/cni"])
  const leases = new IpamMemory.MemoryLeases()
  const ovs = OvsMemory.make({ peer: "/var/run/openvswitch/db.sock" })
  const edges = Layer.mergeAll(
    noOthers,
    FilesMemory.layer(files),
    Layer.succeed(Slots, Slots.of({ hold: () => Effect.succeed(true), freed: () => Effect.void })),
    // Nobody listens: the switch in memory is called, not dialled.
    Layer.succeed(
      Sockets,
      Sockets.of({ connect: (path) => Effect.fail(new SocketError({ path, code: "ENOENT", operation: "connect" })) })
    )
  )
  return {
    ...caller(edges, Layer.provide(OvsVswitch.layer, OvsMemory.layer(ovs)), leases),
    files,
    // The empty directory that records pass through comes and goes.
    state: () => {
      const kept = files.dump().filter((line) => !line.includes("/attachments/new"))
      return JSON.stringify([ovs.dump(), kept, leases.dump()])
    },
    switchLines: Show.switchLines(ovs)
  }
}

/** A plugin is a process: the switch is done before it answers. */
const ipamOver = (leases: IpamMemory.MemoryLeases): Layer.Layer<Ipam> =>
  Layer.provide(
    Layer.effect(
      Ipam,
      Effect.map(Ipam, (ipam) =>
        Ipam.of({ ...ipam, add: (delegation) => Effect.delay(ipam.add(delegation), "200 millis") })
      )
    ),
    IpamMemory.layer(leases)
  )
