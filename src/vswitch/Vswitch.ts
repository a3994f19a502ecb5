/**
 * The operations of both switches on one attachment. The programs in `attachment/` only know this; the engine is chosen
 * with the layers. Every method inspects before it changes, finds objects by mark, and is complete or rolled back when
 * it returns.
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

/** What ADD learns from the switch. */
export interface Plugged {
  /** Name of the port on the switch: OVS port, VPP interface. */
  readonly port: string
  /**
   * Where the switch itself put a socket, when that is not `socketPath` (OVS in server mode uses its run directory):
   * it has to be published in the shared directory.
   */
  readonly socketAt: string | undefined
  /** MTU in bytes that the switch will use, when it says so. */
  readonly mtu: number | undefined
}

/** What a switch that had forgotten something has again. */
export interface Restored extends Pick<Plugged, "port" | "socketAt"> {
  /** In words: `port uspabc`. Empty: all was there. */
  readonly made: ReadonlyArray<string>
}

/** What DEL knows. The mark decides. */
export interface Unplug {
  readonly attachment: Attachment
  /** Instead of the attachment's own, for a port that only its {@link Owned.key} is known of. */
  readonly key?: string
  /** Only what this ADD made: for undo. DEL leaves it out. */
  readonly invocation: string | undefined
  readonly port: HostPort | undefined
  /** A socket path from the record or the configuration. */
  readonly socketPath: string | undefined
  /** The container's, of an ADD that ended well. Absent: not known. */
  readonly addresses?: ReadonlyArray<Address> | undefined
  /** There is no record: path and port are as the configuration has them now, and the switch knows better. */
  readonly unrecorded?: boolean
}

/** A port with our mark. */
export interface Owned {
  /**
   * `keyOf` its attachment, from a switch whose mark is too short for the names (VPP): `network` is then the one that
   * was asked for or empty, `containerId` its first 12 characters, `ifName` and `pod` unknown. A record has the names.
   */
  readonly key?: string
  readonly network: string
  readonly containerId: string
  readonly ifName: string
  readonly pod: Attachment["pod"]
  readonly port: string
  readonly socketPath: string | undefined
  /** A word for people: `connected`, `disconnected`, or the switch's error text. */
  readonly state: string
  /** Why the state is only the last that is known: who writes it does not answer. */
  readonly doubt?: VswitchError
}

export class Vswitch extends Context.Service<
  Vswitch,
  {
    /**
     * Preflight: fails when `plug` would fail, as far as can be checked: switch unreachable, DPDK missing, already
     * attached, path or name in use. ADD calls it before its first change, so that a second ADD of an attachment rolls
     * back nothing of the first. Changes nothing.
     */
    readonly preflight: (request: PortRequest) => Effect.Effect<void, VswitchError>
    /** Creates the port and everything it needs; waits until the switch has applied it. */
    readonly plug: (request: PortRequest) => Effect.Effect<Plugged, VswitchError>
    /**
     * Recreates what a restarted or emptied switch has lost of a plugged port: all of it, or a part. Existing parts are
     * not changed, so it can be repeated. Fails when the port then differs from the request.
     */
    readonly restore: (request: PortRequest) => Effect.Effect<Restored, VswitchError>
    /** Removes the port, and the bridge when it is ours and unused. Absent is success. Returns what it removed. */
    readonly unplug: (unplug: Unplug) => Effect.Effect<ReadonlyArray<string>, VswitchError>
    /** Compares the switch with the request. Empty: no differences. */
    readonly verify: (request: PortRequest) => Effect.Effect<ReadonlyArray<Difference>, VswitchError>
    /** All ports with the plugin's mark, of one network or of all. */
    readonly list: (network: string | undefined) => Effect.Effect<ReadonlyArray<Owned>, VswitchError>
    /** Fails when `plug` would for any attachment that asks for such a port. Changes nothing. */
    readonly status: (port: HostPort) => Effect.Effect<void, VswitchError>
    /** What all ports with the plugin's mark have passed and dropped. Its code is loaded when it is asked for. */
    readonly traffic: Effect.Effect<ReadonlyArray<PortTraffic>, VswitchError>
    /** What the original plugin and its fork made there. Loaded when it is asked for. */
    readonly legacy: Effect.Effect<LegacyPorts>
  }
>()("userspace-cni/Vswitch") {}

/** One layer for a switch; it dials when it is first asked. */
export type EngineLayer = Layer.Layer<Vswitch, never, Edges>
