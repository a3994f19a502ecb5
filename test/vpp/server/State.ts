/** What a VPP knows: interfaces, memif sockets, bridge domains, routes. Lost when it restarts; socket files are not. */

import type { routeDump } from "../../../src/vpp/messages/Ip.ts"
import type { addDel } from "../../../src/vpp/messages/Policer.ts"
import type { TypeOf } from "../../../src/vpp/wire/Field.ts"
import type { Disk, Listener } from "./Disk.ts"
import type { Traits } from "./Release.ts"

export interface Interface {
  readonly index: number
  readonly kind: "local" | "memif" | "vhost-user"
  name: string
  mac: string
  flags: number
  linkMtu: number
  mtu: [number, number, number, number]
  tag: string
  domain: number | undefined
  rewrite: { op: number; dot1q: number; tag1: number; tag2: number }
  readonly addresses: Array<string>
  /** A VLAN sub-interface of another. */
  readonly sub: { readonly parent: number; readonly vlan: number } | undefined
  readonly memif: Memif | undefined
  readonly vhost: Vhost | undefined
  /** The values of the request that made it. */
  readonly asked: object
  /** Frames of other VLANs do not leave here. */
  filter: boolean
  /** In the order in which they were put on; each counts. */
  readonly policers: Array<{ readonly direction: "input" | "output"; readonly name: string }>
}

export interface Memif {
  readonly socket: number
  readonly id: number
  readonly master: boolean
  readonly mode: number
}

export interface Vhost {
  readonly path: string
  readonly server: boolean
  readonly listener: Listener | undefined
  readonly instance: number
}

export interface MemifSocket {
  readonly id: number
  readonly path: string
  listener: Listener | undefined
  poisoned: boolean
}

export interface Domain {
  readonly id: number
  readonly tag: string
  readonly flood: boolean
  readonly uuFlood: boolean
  readonly forward: boolean
  readonly learn: boolean
  bvi: number | undefined
  /** VPP's own, when it was not set. */
  learnLimit?: number
}

/** As `ip_route_dump` gives it. */
export type Route = TypeOf<typeof routeDump.details.fields>["route"]

/** As an event tells it. */
export interface Happening {
  readonly sw_if_index: number
  readonly flags: number
  readonly deleted: boolean
}

/** Numbers are given again at once, the last one freed first. */
export class Numbers {
  private readonly freed: Array<number> = []
  private next: number
  constructor(first: number) {
    this.next = first
  }
  take(): number {
    return this.freed.pop() ?? this.next++
  }
  give(number: number): void {
    this.freed.push(number)
  }
}

export type Policer = Omit<Parameters<typeof addDel.fields.write>[1], "is_add" | "color_aware">

export class State {
  readonly traits: Traits
  readonly runtimeDir: string
  readonly disk: Disk
  readonly interfaces = new Map<number, Interface>()
  readonly sockets = new Map<number, MemifSocket>()
  readonly domains = new Map<number, Domain>()
  readonly routes = new Map<string, Route>()
  readonly policers = new Map<string, Policer>()
  readonly indices = new Numbers(0)
  readonly instances = new Numbers(0)
  /** `vnm->api_errno`: the last failure of anybody, with which some requests are answered by mistake. */
  lastFailure = 0
  /** To interfaces, since somebody has looked. */
  readonly happened: Array<Happening> = []
  private random = 0
  private randomDomain = 0

  constructor(traits: Traits, runtimeDir: string, disk: Disk) {
    this.disk = disk
    this.traits = traits
    this.runtimeDir = runtimeDir
    this.add("local", () => ({ name: "local0", mac: "00:00:00:00:00:00", linkMtu: 0, mtu: 0 }))
    this.sockets.set(0, { id: 0, path: `${runtimeDir}/memif.sock`, listener: undefined, poisoned: false })
  }

  /** The same sequence after every start. */
  anyNumber(): number {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0
    return this.random
  }

  /** Another sequence. */
  anyDomain(): number {
    this.randomDomain = (Math.imul(this.randomDomain, 1664525) + 1013904223) >>> 0
    return this.randomDomain & 0xffffff
  }

  add(
    kind: Interface["kind"],
    make: (index: number) => {
      readonly name: string
      readonly mac?: string
      readonly tag?: string
      readonly linkMtu?: number
      readonly mtu?: number
      readonly sub?: Interface["sub"]
      readonly memif?: Memif
      readonly vhost?: Vhost
      readonly asked?: object
    }
  ): Interface {
    const index = this.indices.take()
    const { asked = {}, linkMtu = 9000, mac, memif, mtu = 9000, name, sub, tag = "", vhost } = make(index)
    const made: Interface = {
      index,
      kind,
      name,
      mac: mac ?? `02:fe:${this.hex()}:${this.hex()}:${this.hex()}:${this.hex()}`,
      flags: 0,
      linkMtu,
      mtu: [mtu, 0, 0, 0],
      tag,
      domain: undefined,
      rewrite: { op: 0, dot1q: 0, tag1: 0, tag2: 0 },
      addresses: [],
      sub,
      memif,
      vhost,
      asked,
      filter: false,
      policers: []
    }
    this.interfaces.set(index, made)
    this.happened.push({ sw_if_index: index, flags: 0, deleted: false })
    return made
  }

  /** With its sub-interfaces; its addresses go, its routes stay behind. */
  remove(index: number): void {
    for (const { index: child, sub } of [...this.interfaces.values()]) if (sub?.parent === index) this.remove(child)
    if (!this.interfaces.delete(index)) return
    this.indices.give(index)
    this.happened.push({ sw_if_index: index, flags: 0, deleted: true })
  }

  membersOf(domain: number): ReadonlyArray<Interface> {
    return [...this.interfaces.values()].filter((one) => one.domain === domain)
  }

  private hex(): string {
    return Math.trunc(Math.random() * 256)
      .toString(16)
      .padStart(2, "0")
  }
}
