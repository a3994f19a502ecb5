/**
 * A node without root: the real programs on the demonstration's edges. A call's log is kept, so that a rollback can be
 * shown. `VppWorld.ts` has the node with VPP; here, switch and files are in memory.
 */

import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { type Document, serve } from "../../src/app/CniCall.ts"
import { readRequest } from "../../src/cni/Request.ts"
import type { CniError } from "../../src/cni/types/CniError.ts"
import type { Edges } from "../../src/platform/Edges.ts"
import { Https } from "../../src/platform/Https.ts"
import { Namespaces } from "../../src/platform/Namespaces.ts"
import { Processes } from "../../src/platform/Processes.ts"
import { Slots, Sockets } from "../../src/platform/Sockets.ts"
import * as IpamMemory from "../../test/ipam/support/IpamMemory.ts"
import * as OvsMemory from "../../test/ovs/support/OvsMemory.ts"
import * as FilesMemory from "../../test/platform/support/FilesMemory.ts"
import * as Show from "./Show.ts"

interface Asked {
  readonly verb: "ADD" | "CHECK" | "DEL"
  readonly containerId: string
  readonly configuration: string
}

export interface World {
  readonly call: (asked: Asked) => Effect.Effect<Document, CniError>
  readonly log: Array<string>
  readonly files: Show.Tree
  /** Equal texts are equal worlds. */
  readonly state: Effect.Effect<string, Error>
  /** The switch as an administrator would see it. */
  readonly switchLines: Effect.Effect<ReadonlyArray<string>, Error>
}

/** No API server is used and no program runs but host-local. The only sandbox is that of the call. */
export const othersOver = (leases: IpamMemory.MemoryLeases) =>
  Layer.mergeAll(
    Layer.succeed(Https, Https.of({ send: ({ url }) => Effect.die(new Error(`${url} was asked`)) })),
    Layer.succeed(Namespaces, Namespaces.of({ judge: () => Effect.succeed("sandbox") })),
    Layer.succeed(
      Processes,
      Processes.of({
        run: (run) =>
          run.program === IpamMemory.program
            ? // A program takes time: the switch is ready before it answers.
              Effect.delay(
                Effect.sync(() => IpamMemory.hostLocal(leases, run)),
                run.env["CNI_COMMAND"] === "ADD" ? "200 millis" : 0
              )
            : Effect.die(new Error(`${run.program} was run`))
      })
    )
  )

/** Calls as the executable serves them, on these edges. */
export const caller = (edges: Layer.Layer<Edges>): Pick<World, "call" | "log"> => {
  const log: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void log.push(String(message)))
  const call = ({ configuration, containerId, verb }: Asked) =>
    serve(
      readRequest(
        {
          CNI_CONTAINERID: containerId,
          CNI_NETNS: `/var/run/netns/${containerId}`,
          CNI_IFNAME: "net1",
          CNI_PATH: dirname(IpamMemory.program),
          CNI_COMMAND: verb
        },
        configuration
      )
    ).pipe(Effect.provide([edges, Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Info")]))
  return { call, log }
}

export const make = (): World => {
  const files = new FilesMemory.MemoryFiles(["/run", "/var/lib/cni"])
  files.put(IpamMemory.program, "file", "", 0o755)
  const leases = new IpamMemory.MemoryLeases()
  const ovs = OvsMemory.make({ peer: "/var/run/openvswitch/db.sock" })
  const edges = Layer.mergeAll(
    othersOver(leases),
    FilesMemory.layer(files),
    Layer.succeed(Slots, Slots.of({ hold: () => Effect.succeed(true), freed: () => Effect.void })),
    Layer.succeed(Sockets, Sockets.of({ connect: ovs.connect }))
  )
  return {
    ...caller(edges),
    files,
    // The empty directory for unfinished records comes and goes.
    state: Effect.sync(() => {
      const kept = files.dump().filter((line) => !line.includes("/attachments/new"))
      return JSON.stringify([ovs.dump(), kept, leases.dump()])
    }),
    switchLines: Show.switchLines(ovs)
  }
}
