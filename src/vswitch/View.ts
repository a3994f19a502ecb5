/**
 * A switch for diagnosis: more than a verb needs, read at once. Data. Null: the switch does not report it. Changes
 * nothing.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Explained } from "../cni/types/CniError.ts"
import type { Edges } from "../platform/Edges.ts"
import type { Owned } from "./Vswitch.ts"

/** A port with our mark. */
export interface PortView extends Pick<Owned, "containerId" | "network" | "ifName" | "pod" | "socketPath"> {
  /** `keyOf` its attachment. */
  readonly key: string
  readonly port: string
  /** Where it is: `bridge br0`, `bridge domain 4`. Null: nowhere. */
  readonly on: string | null
  /** Both ends are connected. */
  readonly connected: boolean
  /** Packets can pass. Null: unknown while it is not connected. */
  readonly link: boolean | null
  /** Why the switch could not create it. */
  readonly error: string | null
  readonly mtu: number | null
  readonly queues: string | null
  readonly rings: string | null
  /** Negotiated features of virtio, in hexadecimal. */
  readonly features: string | null
  /** NUMA node of the application's shared memory. */
  readonly numa: number | null
  /** NUMA nodes of the threads that poll it. */
  readonly polledOn: ReadonlyArray<number>
  /** The switch counts the packets that pass it. */
  readonly counted: boolean
  readonly drops: ReadonlyArray<{ readonly why: "rate limit" | "application" | "buffers"; readonly packets: number }>
}

export interface BridgeView {
  readonly name: string
  readonly datapath: string
  readonly secure: boolean
  /** Ports without our mark, except its own. */
  readonly others: ReadonlyArray<string>
  /** Our ports on it without a flow of their own. */
  readonly unlearned: ReadonlyArray<string>
  /** Number of our ports on it. */
  readonly ours: number
}

export interface OvsView {
  readonly engine: "ovs-dpdk"
  readonly control: string
  readonly version: string | null
  readonly dpdkVersion: string | null
  readonly dpdk: boolean
  /** Missing interface types of vhost-user. */
  readonly lacks: ReadonlyArray<string>
  /** ovs-vswitchd has answered. If not, all of this is what the database keeps, whether it runs or not. */
  readonly asked: boolean
  /** Why ovs-vswitchd does not answer. Undefined: it has answered, or there was no way to ask it. */
  readonly silent: Explained | undefined
  readonly bridges: ReadonlyArray<BridgeView>
  readonly ports: ReadonlyArray<PortView>
}

export interface VppView {
  readonly engine: "vpp"
  readonly control: string
  readonly version: string | null
  /** `memif`, `vhost`. */
  readonly unloaded: ReadonlyArray<string>
  /** Messages of the plugin that are missing or different, and have no alternative. */
  readonly lacks: ReadonlyArray<string>
  readonly buffers: ReadonlyArray<{ readonly pool: string; readonly total: number; readonly free: number }> | null
  readonly ports: ReadonlyArray<PortView>
}

export type SwitchView = OvsView | VppView

/** Connects, reads once and disconnects. */
export type View = Effect.Effect<SwitchView, Explained, Edges | Scope.Scope>
