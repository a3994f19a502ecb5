/**
 * A node in memory: file system, Open vSwitch, VPP, leases; and calls of the plugin on it, judged and run as the executable
 * does it. Each call has services of its own, as each process has; what lasts is the node.
 */
import { type Context, Effect, Layer, Logger, type Scope } from "effect"
import { Handover } from "../../../src/attachment/Handover.ts"
import { handoverFor } from "../../../src/attachment/Handovers.ts"
import { runNetworkVerb } from "../../../src/attachment/NetworkVerbs.ts"
import { Records } from "../../../src/attachment/Records.ts"
import { restoreNode } from "../../../src/attachment/RestoreNode.ts"
import type { Edges, EngineLayer } from "../../../src/attachment/Services.ts"
import { type Choices, type Document, runVerb, stateDirOfAsked } from "../../../src/attachment/Verbs.ts"
import type { CniError } from "../../../src/cni/CniError.ts"
import { readEnvelope } from "../../../src/cni/Configuration.ts"
import { isOfNetwork, judge } from "../../../src/cni/Dispatch.ts"
import type { Control } from "../../../src/cni/HostPort.ts"
import { inTime } from "../../../src/cni/Main.ts"
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
import { type Connection, SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import { SharedDir } from "../../../src/shared-dir/SharedDir.ts"
import { VppClient } from "../../../src/vpp/VppClient.ts"
import * as VppVswitch from "../../../src/vpp/VppVswitch.ts"
import { Vswitch } from "../../../src/vswitch/Vswitch.ts"
import * as MemoryVpp from "../../vpp/support/MemoryVpp.ts"

export type Verb = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS"

export interface Asked {
  readonly conf: object | string
  readonly containerId?: string
  readonly ifName?: string
  readonly netns?: string
  readonly args?: string
  /** CNI_PATH */
  readonly path?: string
}

/** What is put around each service of a call, by its name. */
export type Wrap = <S extends object>(name: string, service: S) => S

const unwrapped: Wrap = (_, service) => service

export const stateDir = "/var/lib/cni/usrspcni"
export const runDir = "/var/run/openvswitch"
/** Not where it is by default: only networks that name it ask it. */
export const vppSocket = "/vpp/api.sock"

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
  /** Another Open vSwitch, whose database has a socket of its own. */
  readonly other = OvsMemory.make({ peer: "/other/db.sock" })
  readonly vpp = MemoryVpp.make(vppSocket, this.files)
  /** Sockets with ovs-vswitchd behind them. */
  private readonly listening = new Set<string>()
  /** `warning: what it said`, of all calls. */
  readonly log: Array<string> = []
  /** Names that a process holds. */
  readonly taken = new Set<string>()
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
    const other = this.other.dump().map((line) => `other ${line}`)
    return [...this.ovs.dump(), ...other, ...this.vpp.dump(), ...files, ...this.leases.dump()]
  }

  /** The lines of the dump that tell of a path. */
  below(path: string): ReadonlyArray<string> {
    return this.files.dump().filter((line) => line.startsWith(`${path}/`) || line.startsWith(`${path} `))
  }

  /** One call; `wrap` stands between the programs and their services, and between those and the edges. */
  call(verb: Verb, wanted: Asked, wrap: Wrap = unwrapped): Effect.Effect<Document, CniError> {
    const { args = "", conf, containerId = "0958c8871b32cafe", ifName = "net1", netns = "/n/a" } = wanted
    const { path = "/opt/cni/bin" } = wanted
    const attachment = { CNI_CONTAINERID: containerId, CNI_IFNAME: ifName, CNI_NETNS: netns, CNI_ARGS: args }
    const variables = {
      CNI_COMMAND: verb,
      CNI_PATH: path,
      ...(verb === "GC" || verb === "STATUS" ? {} : attachment)
    }
    return Effect.gen({ self: this }, function* () {
      const asked = yield* Effect.fromResult(
        judge(verb, variables, readEnvelope(typeof conf === "string" ? conf : JSON.stringify(conf)))
      )
      const edges = this.edges(wrap)
      const services = Layer.mergeAll(
        wrapped(Records, "Records", wrap, Records.layer(stateDirOfAsked(asked))),
        wrapped(SharedDir, "SharedDir", wrap, Layer.fresh(SharedDir.layer)),
        wrapped(Ipam, "Ipam", wrap, IpamMemory.layer(this.leases))
      )
      const engine = this.engine(wrap)
      const handover: Choices["handover"] = (...call) => wrapped(Handover, "Handover", wrap, this.handover(...call))
      const run = isOfNetwork(asked) ? runNetworkVerb(asked, engine, handover) : runVerb(asked, engine, handover)
      return yield* run.pipe(
        inTime(verb),
        Effect.withTracerEnabled(false),
        Effect.provide(Layer.mergeAll(Layer.provideMerge(services, edges), this.logger))
      )
    })
  }

  /** `userspace restore`, of all that is recorded in the usual place. */
  restore(wrap: Wrap = unwrapped, millis = 0) {
    const services = Layer.mergeAll(
      wrapped(Records, "Records", wrap, Records.layer(stateDir)),
      wrapped(SharedDir, "SharedDir", wrap, Layer.fresh(SharedDir.layer))
    )
    return restoreNode({ variables: {}, engine: this.engine(wrap), millis }).pipe(
      Effect.map(({ attachments }) => attachments),
      Effect.withTracerEnabled(false),
      Effect.provide(Layer.mergeAll(Layer.provideMerge(services, this.edges(wrap)), this.logger))
    )
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

  private engine(wrap: Wrap) {
    const layerOf = ({ control, engine }: Control): EngineLayer =>
      engine === "vpp"
        ? Layer.provide(Layer.fresh(VppVswitch.layer), vppClient(wrap, control))
        : Layer.provide(Layer.fresh(OvsVswitch.layer), this.client(wrap, control))
    return (control: Control) => wrapped(Vswitch, "Vswitch", wrap, layerOf(control))
  }

  private client(wrap: Wrap, control: string): Layer.Layer<OvsClient> {
    return wrapped(OvsClient, "OvsClient", wrap, OvsMemory.layer(control === this.other.peer ? this.other : this.ovs))
  }

  private edges(wrap: Wrap): Layer.Layer<Edges> {
    const untouched = { run: () => Effect.die("no process is run") }
    return Layer.mergeAll(
      wrapped(Files, "Files", wrap, FilesMemory.layer(this.files)),
      Layer.succeed(Namespaces, Namespaces.of({ judge: (path) => Effect.sync(() => this.namespace(path)) })),
      Layer.succeed(Processes, Processes.of(untouched)),
      Layer.succeed(Https, Https.of({ send: () => Effect.die("no server is asked") })),
      Layer.succeed(Slots, Slots.of({ hold: (name) => this.hold(name), freed: () => Effect.yieldNow })),
      Layer.succeed(Sockets, Sockets.of({ connect: (path) => this.connect(path) }))
    )
  }

  private hold(name: string) {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const free = !this.taken.has(name)
        this.taken.add(name)
        return free
      }),
      (held) => Effect.sync(() => held && this.taken.delete(name))
    )
  }

  private connect(path: string) {
    return Effect.suspend((): Effect.Effect<Connection, SocketError, Scope.Scope> => {
      if (path === this.vpp.path) return this.vpp.connect
      if (this.listening.has(path) || this.vpp.isListening(path))
        return Effect.succeed({ write: () => Effect.void, read: Effect.never })
      const code = this.files.get(path) === undefined ? "ENOENT" : "ECONNREFUSED"
      return Effect.fail(new SocketError({ path, code, operation: "connect" }))
    })
  }
}

/** Its sessions are wrapped as well. */
const vppClient = (wrap: Wrap, control: string) =>
  Layer.provide(
    Layer.effect(
      VppClient,
      VppClient.useSync(({ alone, open, peer }) =>
        wrap("VppClient", { peer, open: Effect.map(open, (session) => wrap("VppSession", session)), alone })
      )
    ),
    VppClient.layer(control)
  )

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
