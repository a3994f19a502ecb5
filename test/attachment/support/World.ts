/**
 * A node in memory: file system, Open vSwitch, leases; and calls of the plugin on it, judged and run as the executable
 * does it. Each call has services of its own, as each process has; what lasts is the node.
 */
import { type Context, Effect, Layer, Logger } from "effect"
import { Handover } from "../../../src/attachment/Handover.ts"
import { handoverFor } from "../../../src/attachment/Handovers.ts"
import { Records } from "../../../src/attachment/Records.ts"
import type { Edges } from "../../../src/attachment/Services.ts"
import { type Choices, type Document, runVerb, stateDirOfAsked } from "../../../src/attachment/Verbs.ts"
import type { CniError } from "../../../src/cni/CniError.ts"
import { judge } from "../../../src/cni/Dispatch.ts"
import { Ipam } from "../../../src/ipam/Ipam.ts"
import * as IpamMemory from "../../../src/ipam/IpamMemory.ts"
import { OvsClient } from "../../../src/ovs/OvsClient.ts"
import * as OvsMemory from "../../../src/ovs/OvsMemory.ts"
import * as OvsVswitch from "../../../src/ovs/OvsVswitch.ts"
import { Files } from "../../../src/platform/Files.ts"
import * as FilesMemory from "../../../src/platform/FilesMemory.ts"
import { Https } from "../../../src/platform/Https.ts"
import { type NamespaceKind, Namespaces } from "../../../src/platform/Namespaces.ts"
import { Processes } from "../../../src/platform/Processes.ts"
import { Slots } from "../../../src/platform/Slots.ts"
import { SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import { SharedDir } from "../../../src/shared-dir/SharedDir.ts"
import { Vswitch } from "../../../src/vswitch/Vswitch.ts"

export type Verb = "ADD" | "DEL" | "CHECK"

export interface Asked {
  readonly conf: object | string
  readonly containerId?: string
  readonly ifName?: string
  readonly netns?: string
  readonly args?: string
}

/** What is put around each service of a call, by its name. */
export type Wrap = <S extends object>(name: string, service: S) => S

const unwrapped: Wrap = (_, service) => service

export const stateDir = "/var/lib/cni/usrspcni"
export const runDir = "/var/run/openvswitch"

export class World {
  readonly files = new FilesMemory.MemoryFiles(["/n", stateDir, runDir, "/opt/cni/bin"])
  readonly leases = new IpamMemory.MemoryLeases()
  readonly ovs = OvsMemory.make({
    peer: `${runDir}/db.sock`,
    onSocket: (port, made) => {
      const path = `${runDir}/${port}`
      if (made) this.files.put(path, "socket", "", 0o755)
      else this.files.remove(path)
      this.listening[made ? "add" : "delete"](path)
    }
  })
  /** Sockets with ovs-vswitchd behind them. */
  private readonly listening = new Set<string>()
  /** `warning: what it said`, of all calls. */
  readonly log: Array<string> = []
  namespace: (path: string) => NamespaceKind = () => "sandbox"
  handover: Choices["handover"] = handoverFor

  constructor() {
    this.files.put("/etc/group", "file", "root:x:0:\nhugetlbfs:x:107:\n")
  }

  /**
   * All that lasts, in words, when ovs-vswitchd has acted: two equal dumps are two equal nodes. But for the empty
   * directory for scratch files, which comes and goes.
   */
  dump(): ReadonlyArray<string> {
    this.ovs.look()
    const scratch = [`${stateDir}/attachments/new `, `${stateDir}/attachments/new/.userspace-cni `]
    const files = this.files.dump().filter((line) => !scratch.some((start) => line.startsWith(start)))
    return [...this.ovs.dump(), ...files, ...this.leases.dump()]
  }

  /** The lines of the dump that tell of a path. */
  below(path: string): ReadonlyArray<string> {
    return this.files.dump().filter((line) => line.startsWith(`${path}/`) || line.startsWith(`${path} `))
  }

  /** One call; `wrap` stands between the programs and their services, and between those and the edges. */
  call(verb: Verb, wanted: Asked, wrap: Wrap = unwrapped): Effect.Effect<Document, CniError> {
    const { args = "", conf, containerId = "0958c8871b32cafe", ifName = "net1", netns = "/n/a" } = wanted
    const variables = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: containerId,
      CNI_IFNAME: ifName,
      CNI_NETNS: netns,
      CNI_ARGS: args,
      CNI_PATH: "/opt/cni/bin"
    }
    return Effect.gen({ self: this }, function* () {
      const asked = yield* Effect.fromResult(
        judge(verb, variables, typeof conf === "string" ? conf : JSON.stringify(conf))
      )
      const edges = this.edges(wrap)
      const services = Layer.mergeAll(
        wrapped(Records, "Records", wrap, Records.layer(stateDirOfAsked(asked))),
        wrapped(SharedDir, "SharedDir", wrap, Layer.fresh(SharedDir.layer)),
        wrapped(Ipam, "Ipam", wrap, IpamMemory.layer(this.leases))
      )
      const engine = () =>
        wrapped(Vswitch, "Vswitch", wrap, Layer.provide(Layer.fresh(OvsVswitch.layer), this.client(wrap)))
      return yield* runVerb(asked, engine, (...call) =>
        wrapped(Handover, "Handover", wrap, this.handover(...call))
      ).pipe(
        Effect.withTracerEnabled(false),
        Effect.provide(Layer.mergeAll(Layer.provideMerge(services, edges), this.logger))
      )
    })
  }

  /** ADD that has to succeed. */
  add(wanted: Asked) {
    return Effect.orDie(this.call("ADD", wanted))
  }

  private get logger() {
    return Logger.layer([
      Logger.make(({ logLevel, message }) => {
        this.log.push(`${logLevel}: ${[message].flat().map(String).join(" ")}`)
      })
    ])
  }

  private client(wrap: Wrap): Layer.Layer<OvsClient> {
    return wrapped(OvsClient, "OvsClient", wrap, OvsMemory.layer(this.ovs))
  }

  private edges(wrap: Wrap): Layer.Layer<Edges> {
    const untouched = { run: () => Effect.die("no process is run") }
    return Layer.mergeAll(
      wrapped(Files, "Files", wrap, FilesMemory.layer(this.files)),
      Layer.succeed(Namespaces, Namespaces.of({ judge: (path) => Effect.sync(() => this.namespace(path)) })),
      Layer.succeed(Processes, Processes.of(untouched)),
      Layer.succeed(Https, Https.of({ send: () => Effect.die("no server is asked") })),
      Layer.succeed(Slots, Slots.of({ hold: () => Effect.succeed(true), freed: () => Effect.void })),
      Layer.succeed(Sockets, Sockets.of({ connect: (path) => this.connect(path) }))
    )
  }

  private connect(path: string) {
    return Effect.suspend(() => {
      if (this.listening.has(path)) return Effect.succeed({ write: () => Effect.void, read: Effect.never })
      const code = this.files.get(path) === undefined ? "ENOENT" : "ECONNREFUSED"
      return Effect.fail(new SocketError({ path, code, operation: "connect" }))
    })
  }
}

/** The layer's service as `wrap` gives it. */
const wrapped = <I, S extends object, E, R>(
  service: Context.Service<I, S>,
  name: string,
  wrap: Wrap,
  layer: Layer.Layer<I, E, R>
): Layer.Layer<I, E, R> =>
  Layer.provide(
    Layer.effect(
      service,
      service.useSync((own) => wrap(name, own))
    ),
    layer
  )

export const failed = <A>(self: Effect.Effect<A, CniError>) => Effect.orDie(Effect.flip(self))
