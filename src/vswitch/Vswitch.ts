/**
 * The operations of both switches on one attachment. The programs in `attachment/` use only this interface; the engine
 * is chosen with the layers. Every method inspects before it changes, finds objects by mark, and has completed or
 * rolled back when it returns.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { HostPort } from "../cni/network/HostPort.ts"
import type { Attachment } from "../identity/Attachment.ts"
import type { Edges } from "../platform/Edges.ts"
import type { LegacyPorts } from "./LegacyPorts.ts"
import type { Address, Difference, PortRequest } from "./PortRequest.ts"
import type { PortTraffic } from "./Traffic.ts"
import type { VswitchError } from "./VswitchError.ts"

/** What the switch reports after a plug. */
export interface Plugged {
  /** Name of the port on the switch: OVS port, VPP interface. */
  readonly port: string
  /**
   * Path where the switch itself created a socket, if it is not `socketPath` (OVS in server mode uses its run
   * directory). It must be published in the shared directory.
   */
  readonly socketAt: string | undefined
  /** MTU in bytes that the switch will use, if it reports one. */
  readonly mtu: number | undefined
}

/** The result of a restore. */
export interface Restored extends Pick<Plugged, "port" | "socketAt"> {
  /** What was recreated, in words: `port uspabc`. Empty: nothing was missing. */
  readonly made: ReadonlyArray<string>
}

/** The parameters of a removal. The mark decides. */
export interface Unplug {
  readonly attachment: Attachment
  /** Replaces the attachment's own key, for a port known only by {@link Owned.key}. */
  readonly key?: string
  /** Restricts the removal to objects of this ADD, for a rollback. Undefined on DEL. */
  readonly invocation: string | undefined
  readonly port: HostPort | undefined
  /** A socket path from the record or the configuration. */
  readonly socketPath: string | undefined
  /** The container's addresses, of an ADD that succeeded. Absent: unknown. */
  readonly addresses?: ReadonlyArray<Address> | undefined
  /** There is no record: path and port are as the configuration has them now, and the switch knows better. */
  readonly unrecorded?: boolean
}

/** A port with our mark. */
export interface Owned {
  /**
   * `keyOf` its attachment, on a switch whose mark is too short for the names (VPP). Then `network` is the requested one or empty, `containerId` has its first 12 characters, `ifName` and `pod` are unknown. A record has the names.
   */
  readonly key?: string
  readonly network: string
  readonly containerId: string
  readonly ifName: string
  readonly pod: Attachment["pod"]
  readonly port: string
  readonly socketPath: string | undefined
  /** For people: `connected`, `disconnected`, or the switch's error text. */
  readonly state: string
  /** Set when the daemon that updates the state does not answer: the state is the last known one. */
  readonly doubt?: VswitchError
}

/** What is known of a port's other end. */
export interface Connection {
  /** Name of the port on the switch. */
  readonly port: string
  /** An application is connected. */
  readonly connected: boolean
}

export class Vswitch extends Context.Service<
  Vswitch,
  {
    /**
     * Preflight: fails when `plug` would fail, as far as that can be checked: switch unreachable, DPDK missing, already
     * attached, path or name in use. ADD calls it before its first change, so that a failing second ADD of an
     * attachment rolls back nothing of the first. Changes nothing.
     */
    readonly preflight: (request: PortRequest) => Effect.Effect<void, VswitchError>
    /** Creates the port and everything it needs, and waits until the switch has applied it. */
    readonly plug: (request: PortRequest) => Effect.Effect<Plugged, VswitchError>
    /**
     * Recreates what a restarted or emptied switch has lost of a plugged port: all of it, or a part. Existing parts are
     * not changed, so it can be repeated. Fails when the port then differs from the request.
     */
    readonly restore: (request: PortRequest) => Effect.Effect<Restored, VswitchError>
    /**
     * Removes the port, and the bridge if it is ours and unused. An absent port is a success. Returns what it removed.
     */
    readonly unplug: (unplug: Unplug) => Effect.Effect<ReadonlyArray<string>, VswitchError>
    /** Compares the switch with the request. Empty: no differences. */
    readonly verify: (request: PortRequest) => Effect.Effect<ReadonlyArray<Difference>, VswitchError>
    /** Lists all ports with the plugin's mark, of one network or of all. */
    readonly list: (network: string | undefined) => Effect.Effect<ReadonlyArray<Owned>, VswitchError>
    /** Fails when `plug` would fail for any attachment with such a port. Changes nothing. */
    readonly status: (port: HostPort) => Effect.Effect<void, VswitchError>
    /**
     * Those of these keys (`keyOf`) that have a port. For repeated use: reads as little as the switch allows. Loaded on
     * demand.
     */
    readonly connections: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Connection>, VswitchError>
    /** The counters of all ports with the plugin's mark. Loaded on demand. */
    readonly traffic: Effect.Effect<ReadonlyArray<PortTraffic>, VswitchError>
    /** Ports of the original plugin and its fork. Loaded on demand. */
    readonly legacy: Effect.Effect<LegacyPorts>
  }
>()("userspace-cni/Vswitch") {}

/** A layer for one switch. It connects on first use. */
export type EngineLayer = Layer.Layer<Vswitch, never, Edges>
