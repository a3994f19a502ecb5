/**
 * The state of a VPP, as its dumps show it: interfaces, memif sockets, bridge domains, routes, policers. The tests'
 * server serves one on a socket. The modules of the messages have their effects. It forwards no packets.
 */
import type { Interface as InterfaceRow } from "../../../src/vpp/interfaces/Interfaces.ts"
import { bridgeDomainDump } from "../../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../../src/vpp/messages/Control.ts"
import { anyMac } from "../../../src/vpp/messages/Field.ts"
import { interfaceDump, type spanDump } from "../../../src/vpp/messages/Interface.ts"
import type { routeAddDel } from "../../../src/vpp/messages/Ip.ts"
import type { Message } from "../../../src/vpp/messages/Message.ts"
import { type addDel, policerDump } from "../../../src/vpp/messages/Policer.ts"
import { memifDump, vhostUserDump } from "../../../src/vpp/messages/Ports.ts"

type Row<D> = D extends { readonly details: Message<infer A> } ? A : never
type Writable<A> = { -readonly [K in keyof A]: A[K] }
export type Values<D> = D extends { readonly fields: Message<infer A>["fields"] } ? A : never

/** The files that VPP creates and finds: real ones, or those of a node in memory. */
export interface Disk {
  /** Undefined: nothing is there. */
  readonly kind: (path: string) => "socket" | "other" | undefined
  readonly makeDirectory: (path: string) => void
  /** Removes a file; a missing one is a success. */
  readonly remove: (path: string) => void
  /** Undefined when the directory does not exist. */
  readonly listen: (path: string, mode: number) => Listener | undefined
  /** Returns whether somebody listens on that path. */
  readonly isListening: (path: string) => boolean
}

interface Listener {
  /** Keeps the file. */
  readonly close: () => unknown
}

/** Differences between releases that a client can observe. */
interface Traits {
  /** From 23.06: a memif path has only `[A-Za-z0-9_./-]` and at most 106 bytes; a live listener is left alone. */
  readonly strictSockets: boolean
  /** From 23.06: a memif socket id on which a create has failed creates no socket file any more. */
  readonly poisonsSockets: boolean
  /** From 23.06: policer errors have numbers of their own. */
  readonly namesPolicerErrors: boolean
  /** Before 22.10, every interface accepts a link MTU, later only those with Ethernet drivers that allow it. */
  readonly anyLinkMtu: boolean
}

/** `26.06-release` */
export const traitsOf = (version: string): Traits => {
  const [year = 99, month = 12] = (/^(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number)
  const release = year * 100 + month
  const since2306 = release >= 2306
  return {
    ...{ strictSockets: since2306, poisonsSockets: since2306, namesPolicerErrors: since2306 },
    anyLinkMtu: release < 2210
  }
}

export interface Interface {
  readonly row: Writable<InterfaceRow>
  readonly memif: Row<typeof memifDump> | undefined
  readonly vhost: Vhost | undefined
  /** The values of the request that created it. */
  readonly asked: object
  /** Its bridge domain. */
  domain: number | undefined
  readonly addresses: Array<string>
  /** In the order in which they were attached; each counts. */
  readonly policers: Array<{ readonly direction: "input" | "output"; readonly name: string }>
}

type Vhost = Row<typeof vhostUserDump> & {
  readonly listener?: Listener | undefined
  readonly instance?: number
}

export interface MemifSocket {
  readonly id: number
  readonly path: string
  listener: Listener | undefined
  poisoned: boolean
}

export type Domain = Writable<Omit<Row<typeof bridgeDomainDump>, "sw_if_details">> & {
  /** VPP's default when it was not set. */
  learnLimit?: number
}

type Route = Values<typeof routeAddDel>["route"]
export type Policer = Row<typeof policerDump>
export type Span = Row<typeof spanDump>

/** The content of an event. */
export interface Happening {
  readonly sw_if_index: number
  readonly flags: number
  readonly deleted: boolean
}

/** Numbers are reused at once, the last freed one first. */
class Numbers {
  private readonly freed: Array<number> = []
  private next: number
  constructor(first = 0) {
    this.next = first
  }
  take(): number {
    return this.freed.pop() ?? this.next++
  }
  give(number: number): void {
    this.freed.push(number)
  }
}

export class VppModel {
  readonly traits: Traits
  readonly runtimeDir: string
  readonly disk: Disk
  readonly interfaces = new Map<number, Interface>()
  readonly sockets = new Map<number, MemifSocket>()
  readonly domains = new Map<number, Domain>()
  readonly routes = new Map<string, Route>()
  readonly policers = new Map<string, Policer>()
  readonly spans = new Map<string, Span>()
  readonly instances = new Numbers()
  /** Events of interfaces since the last read. */
  readonly happened: Array<Happening> = []
  private readonly indices = new Numbers()
  private random = 0
  private randomDomain = 0

  constructor(traits: Traits, runtimeDir: string, disk: Disk) {
    this.traits = traits
    this.runtimeDir = runtimeDir
    this.disk = disk
  }

  /** A VPP after its start. */
  static readonly started = (traits: Traits, runtimeDir: string, disk: Disk): VppModel => {
    const model = new VppModel(traits, runtimeDir, disk)
    model.add({ interface_name: "local0", interface_dev_type: "local", l2_address: anyMac }, { mtu: 0 })
    model.addSocket(0, `${runtimeDir}/memif.sock`)
    return model
  }

  /** The same sequence after every start. */
  anyNumber(): number {
    this.random = next(this.random)
    return this.random
  }

  /** A separate sequence. */
  anyDomain(): number {
    this.randomDomain = next(this.randomDomain)
    return this.randomDomain & 0xffffff
  }

  addSocket(id: number, path: string): void {
    this.sockets.set(id, { id, path, listener: undefined, poisoned: false })
  }

  addDomain(id: number, values: Partial<Domain>): Domain {
    const made = { ...newDomain, ...values, bd_id: id }
    this.domains.set(id, made)
    return made
  }

  add(row: Partial<InterfaceRow>, { asked = {}, memif, mtu = 9000, vhost }: Making = {}): Interface {
    const index = this.indices.take()
    const own = { sw_if_index: index, sup_sw_if_index: index, link_mtu: mtu, mtu: [mtu, 0, 0, 0], l2_address: newMac() }
    const whole = { ...newRow, ...own, ...row }
    const made: Interface = {
      ...newInterface,
      row: whole,
      memif: memif === undefined ? undefined : { ...newMemif, ...memif, sw_if_index: index },
      vhost:
        vhost === undefined
          ? undefined
          : { ...newVhost, ...vhost, sw_if_index: index, interface_name: whole.interface_name },
      asked,
      addresses: [],
      policers: []
    }
    this.interfaces.set(index, made)
    this.happened.push({ sw_if_index: index, flags: 0, deleted: false })
    return made
  }

  /** Removes an interface with its sub-interfaces and addresses; its routes stay. */
  remove(index: number): void {
    for (const { row } of [...this.interfaces.values()]) {
      if (row.sup_sw_if_index === index && row.sw_if_index !== index) this.remove(row.sw_if_index)
    }
    if (!this.interfaces.delete(index)) return
    this.indices.give(index)
    this.happened.push({ sw_if_index: index, flags: 0, deleted: true })
  }

  membersOf(domain: number): ReadonlyArray<Interface> {
    return [...this.interfaces.values()].filter((one) => one.domain === domain)
  }

  named(name: string): Interface | undefined {
    return [...this.interfaces.values()].find(({ row }) => row.interface_name === name)
  }

  nameOf(index: number): string {
    return this.interfaces.get(index)?.row.interface_name ?? `interface ${index}`
  }
}

interface Making {
  readonly asked?: object
  readonly mtu?: number
  readonly memif?: Partial<Row<typeof memifDump>>
  readonly vhost?: Partial<Vhost>
}

const next = (random: number): number => (Math.imul(random, 1664525) + 1013904223) >>> 0

const newMac = (): string => {
  const byte = () => Math.trunc(Math.random() * 256).toString(16)
  return `02:fe:${Array.from({ length: 4 }, () => byte().padStart(2, "0")).join(":")}`
}

const newInterface = { memif: undefined, vhost: undefined, asked: {}, domain: undefined }

/** The message of a dump as VPP would send it of nothing. */
const zero = <A>({ details }: { readonly details: Message<A> }): A =>
  details.fields.read({ bytes: Buffer.alloc(1024), at: 0, field: "" })

const newRow = zero(interfaceDump)

const newMemif: Row<typeof memifDump> = { ...zero(memifDump), role: "slave", ring_size: 1 }

const newVhost: Vhost = zero(vhostUserDump)

const { sw_if_details: _, ...noDomain } = zero(bridgeDomainDump)
const newDomain: Domain = {
  ...noDomain,
  ...{ flood: true, uu_flood: true, forward: true, learn: true, bvi_sw_if_index: every, uu_fwd_sw_if_index: every }
}

/** With the values that VPP computes itself. */
export const newPolicer = (values: Omit<Values<typeof addDel>, "is_add">): Policer => ({
  ...zero(policerDump),
  ...values,
  ...{ single_rate: true, color_aware: false, scale: 16, cir_tokens_per_period: 1, pir_tokens_per_period: 1 },
  ...{ current_limit: values.cb, current_bucket: values.cb }
})
