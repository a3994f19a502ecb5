/**
 * One interface of a container, from the container's view: kind, socket path, and the application's settings. Pure
 * data. docs/container.md has the format of its sources.
 */
import type * as Redacted from "effect/Redacted"

export interface Address {
  /** With prefix length: `10.56.0.2/24`. Without one if only Multus' status has it. */
  readonly address: string
  readonly gateway: string | undefined
}

export interface Route {
  /** `0.0.0.0/0` */
  readonly dst: string
  /** The next hop; undefined: the gateway of the addresses. */
  readonly gateway: string | undefined
}

interface Common {
  /** CNI_IFNAME: `net1`. There is no network device of that name. */
  readonly name: string
  readonly network: string | undefined
  /** Of the pod's sandbox. */
  readonly containerId: string | undefined
  /** Path in this container, or the name of an abstract socket. */
  readonly socket: string
  readonly mac: string | undefined
  readonly mtu: number | undefined
  readonly addresses: ReadonlyArray<Address>
  readonly routes: ReadonlyArray<Route>
}

export interface VhostUserEnd {
  readonly kind: "vhost-user"
  /** The container's mode. `server`: the application creates the socket and the switch connects. */
  readonly mode: "client" | "server"
  readonly queues: number | undefined
  /** Packed virtqueues. */
  readonly packed: boolean
}

export interface MemifEnd {
  readonly kind: "memif"
  /** The container's role. `master`: the application creates the socket and the switch connects. */
  readonly role: "master" | "slave"
  readonly mode: "ethernet" | "ip" | "inject-punt"
  /** The socket has no file: its name is in the pod's network namespace. */
  readonly abstract: boolean
  readonly rxQueues: number | undefined
  readonly txQueues: number | undefined
  /** Number of descriptors in a ring, a power of two. */
  readonly ringSize: number | undefined
  readonly bufferSize: number | undefined
  readonly secret: Redacted.Redacted<string> | undefined
}

export type VhostUserInterface = Common & VhostUserEnd
export type MemifInterface = Common & MemifEnd
export type Interface = VhostUserInterface | MemifInterface

/** Who creates the socket; the other side connects to it. */
export const socketMadeBy = (end: VhostUserEnd | MemifEnd): "application" | "switch" =>
  (end.kind === "memif" ? end.role === "master" : end.mode === "server") ? "application" : "switch"

/** The mode or role of the container's end: `server`, `slave`. */
export const partOf = (end: VhostUserEnd | MemifEnd): string => (end.kind === "memif" ? end.role : end.mode)

/** Sorts `net2` before `net10`. */
export const inOrder = <A extends { readonly name: string }>(interfaces: ReadonlyArray<A>): ReadonlyArray<A> =>
  [...interfaces].sort((a, b) => collator.compare(a.name, b.name))

const collator = new Intl.Collator("en", { numeric: true })
