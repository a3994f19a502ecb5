/**
 * A node in memory: file system, two switches of each kind, leases; and calls of the plugin on it, served by the same
 * composition as in the executable: only the edges are the node's. Each call has services of its own, as each process
 * has; the node persists.
 */

import { Effect, Layer, Logger, type Scope } from "effect"
import { type Document, serve } from "../../../src/app/CniCall.ts"
import { type Around, choicesFor, services } from "../../../src/app/Composition.ts"
import { restoreRound } from "../../../src/attachment/heal/RestoreRound.ts"
import { everything, type Selector } from "../../../src/attachment/node/Selection.ts"
import * as Switches from "../../../src/attachment/node/Switches.ts"
import type { Records } from "../../../src/attachment/records/Records.ts"
import { readRequest } from "../../../src/cni/Request.ts"
import type { CniError } from "../../../src/cni/types/CniError.ts"
import type { Ipam } from "../../../src/ipam/Ipam.ts"
import type { Edges } from "../../../src/platform/Edges.ts"
import { Files } from "../../../src/platform/Files.ts"
import { Https } from "../../../src/platform/Https.ts"
import { type NamespaceKind, Namespaces } from "../../../src/platform/Namespaces.ts"
import { Processes, type Run } from "../../../src/platform/Processes.ts"
import { type Connection, Slots, SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import type { SharedDir } from "../../../src/shared-dir/SharedDir.ts"
import { ReceiveFile, socketBeside } from "../../../src/vpp/VppTraffic.ts"
import * as IpamMemory from "../../ipam/support/IpamMemory.ts"
import * as OvsMemory from "../../ovs/support/OvsMemory.ts"
import * as FilesMemory from "../../platform/support/FilesMemory.ts"
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

/** Wrappers of each service of a call, by its name. */
export type Wrap = <S extends object>(name: string, service: S) => S

const unwrapped: Wrap = (_, service) => service

export const stateDir = "/var/lib/cni/usrspcni"
export const runDir = "/var/run/openvswitch"
/** Not at its default place: only networks that name it use it. */
export const vppSocket = "/vpp/api.sock"

export class World {
  readonly files = new FilesMemory.MemoryFiles(["/n", stateDir, runDir, "/opt/cni/bin", "/other"])
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
  /** Another Open vSwitch, whose database has a separate socket. */
  readonly other = OvsMemory.make({ peer: "/other/db.sock" })
  /** The switches that have sockets. */
  readonly switches = [this.ovs, this.other]
  readonly vpp = MemoryVpp.make(vppSocket, this.files)
  /** Another VPP. */
  readonly otherVpp = MemoryVpp.make("/other/api.sock", this.files)
  /** Sockets served by ovs-vswitchd. */
  private readonly listening = new Set<string>()
  /** `warning: its message`, of all calls. */
  readonly log: Array<string> = []
  /** Names that a process holds. */
  readonly taken = new Set<string>()
  namespace: (path: string) => NamespaceKind = () => "sandbox"
  /** Wraps services, inside of what observes a call. */
  around: Around = {}
  https = Https.of({ send: ({ url }) => Effect.die(new Error(`${url} was asked`)) })

  constructor() {
    this.files.put(IpamMemory.program, "file", "", 0o755)
    this.files.put("/etc/group", "file", "root:x:0:\nhugetlbfs:x:107:\n")
  }

  /** Another node in this state, for many attempts at what begins in it. Its VPPs have none but their administrators'. */
  copy(): World {
    const copy = new World()
    copy.files.become(this.files)
    copy.leases.become(this.leases)
    copy.ovs.become(this.ovs.state())
    copy.other.become(this.other.state())
    for (const path of this.listening) copy.listening.add(path)
    return copy
  }

  /** The whole persistent state as text, after ovs-vswitchd has acted: equal dumps are equal nodes. */
  dump(): ReadonlyArray<string> {
    this.ovs.look()
    const other = [...this.other.dump(), ...this.otherVpp.dump()].map((line) => `other ${line}`)
    return [...this.ovs.dump(), ...other, ...this.vpp.dump(), ...this.files.dump(), ...this.leases.dump()]
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
    return serve(
      readRequest(variables, typeof conf === "string" ? conf : JSON.stringify(conf)),
      this.watched(wrap)
    ).pipe(Effect.withTracerEnabled(false), Effect.provide(Layer.merge(this.edges(wrap), this.logger)))
  }

  /** `userspace restore` of everything recorded in the default directory. */
  restore(wrap: Wrap = unwrapped, millis = 0, selector: Selector = everything) {
    const around = this.watched(wrap)
    return restoreRound({ variables: {}, engine: choicesFor(around).engine, millis, selector }).pipe(
      Effect.map(({ attachments }) => attachments),
      Effect.withTracerEnabled(false),
      Effect.provide(services(stateDir, around)),
      Effect.provide(Layer.merge(this.edges(wrap), this.logger))
    )
  }

  /** Runs a resident process of the node, with services of its own and connections that it keeps. */
  resident<A, E>(
    self: (switches: Switches.Switches) => Effect.Effect<A, E, Edges | Ipam | Records | SharedDir>,
    wrap: Wrap = unwrapped
  ) {
    const around = this.watched(wrap)
    return Effect.scoped(Effect.flatMap(Switches.make(choicesFor(around).engine), self)).pipe(
      Effect.withTracerEnabled(false),
      Effect.provide(services(stateDir, around)),
      Effect.provide(Layer.merge(this.edges(wrap), this.logger))
    )
  }

  /** An ADD that must succeed. */
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

  /** The services of an unobserved call are not wrapped, as in the executable. */
  private watched(wrap: Wrap): Around {
    const { around } = this
    if (wrap === unwrapped) return around
    return {
      Records: Effect.map((own) => wrap("Records", own)),
      SharedDir: Effect.map((own) => wrap("SharedDir", own)),
      Ipam: Effect.map((own) => wrap("Ipam", own)),
      ContainerConfig: Effect.map((own) => wrap("ContainerConfig", own)),
      Vswitch: Effect.map((own) => wrap("Vswitch", own)),
      OvsClient: Effect.map((own) => wrap("OvsClient", own)),
      // Its sessions are wrapped as well.
      VppClient: Effect.map(({ alone, open, peer }) =>
        wrap("VppClient", { peer, open: Effect.map(open, (session) => wrap("VppSession", session)), alone })
      ),
      ...around
    }
  }

  /** The state that every process of this node shares. */
  edges(wrap: Wrap = unwrapped): Layer.Layer<Edges> {
    return Layer.mergeAll(
      Layer.effect(
        Files,
        Effect.map(Files, (files) => wrap("Files", files))
      ).pipe(Layer.provide(FilesMemory.layer(this.files))),
      Layer.succeed(Namespaces, Namespaces.of({ judge: (path) => Effect.sync(() => this.namespace(path)) })),
      Layer.succeed(Processes, Processes.of({ run: (run) => this.run(run) })),
      Layer.succeed(Https, this.https),
      Layer.succeed(Slots, Slots.of({ hold: (name) => this.hold(name), freed: () => Effect.yieldNow })),
      Layer.succeed(Sockets, Sockets.of({ connect: (path) => this.connect(path) })),
      Layer.succeed(ReceiveFile, (path) => this.receive(path))
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

  private run(run: Run) {
    return run.program === IpamMemory.program
      ? Effect.sync(() => IpamMemory.hostLocal(this.leases, run))
      : Effect.die(new Error(`${run.program} was run`))
  }

  private receive(path: string) {
    const vpp = [this.vpp, this.otherVpp].find((one) => socketBeside(one.path) === path)
    return vpp === undefined
      ? Effect.fail(new SocketError({ path, code: "ENOENT", operation: "connect" }))
      : Effect.sync(() => vpp.stats)
  }

  private connect(path: string) {
    return Effect.suspend((): Effect.Effect<Connection, SocketError, Scope.Scope> => {
      const vpps = [this.vpp, this.otherVpp]
      const vpp = vpps.find((one) => one.path === path)
      if (vpp !== undefined) return vpp.connect
      const ovs = this.switches.find((one) => one.owns(path))
      if (ovs !== undefined) return ovs.connect(path)
      if (this.listening.has(path) || vpps.some((one) => one.isListening(path)))
        return Effect.succeed({ write: () => Effect.void, read: Effect.never })
      const code = this.files.get(path) === undefined ? "ENOENT" : "ECONNREFUSED"
      return Effect.fail(new SocketError({ path, code, operation: "connect" }))
    })
  }
}

export const failed = <A>(self: Effect.Effect<A, CniError>) => Effect.orDie(Effect.flip(self))
