/**
 * A switch as a person sees it who asks what is wrong: more of it than a verb needs, read at once. Data. Null is what the
 * switch does not tell. Changes nothing.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Explained } from "../cni/spec/CniError.ts"
import type { Edges } from "../platform/Edges.ts"
import type { Owned } from "./Vswitch.ts"

/** A port with our mark. */
export interface PortView extends Pick<Owned, "containerId" | "network" | "ifName" | "pod" | "socketPath"> {
  /** `keyOf` its attachment. */
  readonly key: string
  readonly port: string
  /** What it is on: `bridge br0`, `bridge domain 4`. Null: on none. */
  readonly on: string | null
  /** Both ends have met. */
  readonly connected: boolean
  /** Packets can pass. Null: not known while it is not connected. */
  readonly link: boolean | null
  /** Why the switch could not make it. */
  readonly error: string | null
  readonly mtu: number | null
  readonly queues: string | null
  readonly rings: string | null
  /** Negotiated features of virtio, in hexadecimal. */
  readonly features: string | null
  /** NUMA node of the memory that the application shares. */
  readonly numa: number | null
  /** NUMA nodes of the threads that poll it. */
  readonly polledOn: ReadonlyArray<number>
  /** How often its link has come or gone. */
  readonly resets: number | null
  readonly drops: ReadonlyArray<{ readonly why: "rate limit" | "application" | "buffers"; readonly packets: number }>
}

export interface BridgeView {
  readonly name: string
  readonly datapath: string
  readonly secure: boolean
  /** Ports without our mark, beside its own. */
  readonly others: ReadonlyArray<string>
  /** Our ports on it that have no flow of their own. */
  readonly unlearned: ReadonlyArray<string>
  /** How many of our ports are on it. */
  readonly ours: number
}

export interface OvsView {
  readonly engine: "ovs-dpdk"
  readonly control: string
  readonly version: string | null
  readonly dpdkVersion: string | null
  readonly dpdk: boolean
  /** Interface types of vhost-user that it has not got. */
  readonly lacks: ReadonlyArray<string>
  /** Why ovs-vswitchd does not answer. */
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
  /** Messages of the plugin that it has not got, or has otherwise, and that no other message stands in for. */
  readonly lacks: ReadonlyArray<string>
  readonly buffers: ReadonlyArray<{ readonly pool: string; readonly total: number; readonly free: number }> | null
  readonly ports: ReadonlyArray<PortView>
}

export type SwitchView = OvsView | VppView

/** Dials, looks once and goes. */
export type View = Effect.Effect<SwitchView, Explained, Edges | Scope.Scope>
