/**
 * The operations of both switches on one attachment. The programs in `attachment/` use only this interface; the engine
 * is chosen with the layers. Every method inspects before it changes, finds objects by mark, and has completed or
 * rolled back when it returns.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { HostPort } from "../cni/network/HostPort.ts"
import { type ErrorCode, ServiceError } from "../cni/types/CniError.ts"
import type { Attachment, Identity } from "../identity/Attachment.ts"
import type { Edges } from "../platform/Edges.ts"
import type { PortTraffic } from "./Traffic.ts"

/** An address with its prefix, and the gateway of its subnet: `10.1.2.3/24`, `fd00::3/64`. */
export interface Address {
  readonly address: string
  readonly gateway?: string | undefined
}

/** Everything that a switch needs to create one port. */
export interface PortRequest {
  readonly attachment: Attachment
  /**
   * A UUID, new for every ADD. A rollback removes only objects with this UUID, so a second ADD cannot harm the first.
   */
  readonly invocation: string
  readonly port: HostPort
  /** The socket path as the switch uses it, short enough for a socket address. */
  readonly socketPath: string
  /** MAC address of the container's end. VPP also sets it on its own end where configured. */
  readonly mac: string
  /** IPAM's addresses if the port has them on the switch (`netType: interface`), otherwise empty. */
  readonly addresses: ReadonlyArray<Address>
}

/** One difference from what ADD set up: `VLAN is 7, not 5`. */
export interface Difference {
  readonly what: string
  /** True: not a difference, but it may not work. */
  readonly warning?: boolean
  /**
   * `missing`: the port does not exist. `forgotten`: a switch lost part of the port by itself, and `restore` recreates it without reverting what anybody has set. `silent`: the daemon that creates ports does not answer; as a warning, it only seems to be away. Absent: somebody changed it.
   */
  readonly kind?: "missing" | "forgotten" | "silent"
}

/** Which switch, which operation, what came back, what to do. */
export class VswitchError extends ServiceError("VswitchError") {
  constructor({
    engine,
    operation,
    ...refusal
  }: PortError & Pick<HostPort, "engine"> & { readonly operation: string }) {
    super({ operation: `${engine === "vpp" ? "VPP" : "Open vSwitch"}: ${operation}`, ...refusal })
  }
}

/** Why a port cannot be used, or was not created. Each switch adds its name and the operation. */
export interface PortError {
  readonly code: ErrorCode
  readonly answer: string
  readonly cure: string
}

type Done<A> = Effect.Effect<A, VswitchError>

/** What a preflight has found, for the plug of its request. Only the switch that made it knows what is in it. */
export abstract class Found {
  /** Gives back the connection and the lock of the attachment: `unplug` takes the same lock. `plug` does it at its end. */
  abstract readonly release: Effect.Effect<void>
}

export interface LegacyAsked {
  readonly attachment: Identity
  /** From its state file, if there is one: OVS port name, and VPP index, which is always verified. */
  readonly state: { readonly portName: string | undefined; readonly swIfIndex: number | undefined } | undefined
  /** The port of the configuration, and where that has the socket: for a switch on which they have no mark. */
  readonly port?: HostPort
  readonly socketPath?: string
}

export interface LegacyPort {
  readonly by: "original" | "fork"
  readonly port: string
  /** The fork's marks have these two; neither marks the network. */
  readonly containerId: string | undefined
  readonly ifName: string | undefined
  /** Undefined in server mode. */
  readonly socketPath: string | undefined
  readonly bridge: string | undefined
}

export interface LegacyFound {
  readonly ports: ReadonlyArray<LegacyPort>
  /**
   * The state file and the files of the plain name belong to another container whose id begins alike: the port has its
   * mark.
   */
  readonly isAnothers: boolean
}

/**
 * Ports of the original plugin (intel/userspace-cni-network-plugin) and its fork (fivetime/userspace-cni) on a switch,
 * without the plugin's mark.
 */
export interface LegacyPorts {
  /** Lists ports that name their attachment: the fork's. */
  readonly list: Done<ReadonlyArray<LegacyPort>>
  /** Finds the ports of one attachment: by the fork's marks, and by the name in the state file. */
  readonly find: (asked: LegacyAsked) => Done<LegacyFound>
  /**
   * Removes the ports that `find` returns, and returns what it removed. Fails when the port named in the state file
   * exists but is not in the form that either plugin creates.
   */
  readonly remove: (asked: LegacyAsked) => Done<ReadonlyArray<string>>
  /** Compares with the request, as far as the configuration determines it. */
  readonly verify: (asked: LegacyAsked, request: PortRequest) => Done<ReadonlyArray<Difference>>
}

/** A switch that has none. */
export const noLegacyPorts: LegacyPorts = {
  list: Effect.succeed([]),
  find: () => Effect.succeed({ ports: [], isAnothers: false }),
  remove: () => Effect.succeed([]),
  verify: () => Effect.succeed([])
}

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
  /** The rollback of a plug, whose preflight found nothing of the attachment: what has no mark yet is its own. */
  readonly begun?: true
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
     * attachment rolls back nothing of the first. Changes nothing. What it found may hold a connection and the lock of
     * the attachment, until it is released or the scope closes.
     */
    readonly preflight: (request: PortRequest) => Effect.Effect<Found, VswitchError, Scope.Scope>
    /** Creates the port and everything it needs, and waits until the switch has applied it. */
    readonly plug: (request: PortRequest, found: Found) => Done<Plugged>
    /**
     * Recreates what a restarted or emptied switch has lost of a plugged port: all of it, or a part. Existing parts are
     * not changed, so it can be repeated. Fails when the port then differs from the request.
     */
    readonly restore: (request: PortRequest) => Done<Restored>
    /**
     * Removes the port, and the bridge if it is ours and unused. An absent port is a success. Returns what it removed.
     */
    readonly unplug: (unplug: Unplug) => Done<ReadonlyArray<string>>
    /** Compares the switch with the request. Empty: no differences. */
    readonly verify: (request: PortRequest) => Done<ReadonlyArray<Difference>>
    /** Lists all ports with the plugin's mark, of one network or of all. */
    readonly list: (network: string | undefined) => Done<ReadonlyArray<Owned>>
    /** Fails when `plug` would fail for any attachment with such a port. Changes nothing. */
    readonly status: (port: HostPort) => Done<void>
    /**
     * Those of these keys (`keyOf`) that have a port. For repeated use: reads as little as the switch allows. Loaded on
     * demand.
     */
    readonly connections: (keys: ReadonlyArray<string>) => Done<ReadonlyMap<string, Connection>>
    /** The counters of all ports with the plugin's mark. Loaded on demand. */
    readonly traffic: Done<ReadonlyArray<PortTraffic>>
    /** Ports of the original plugin and its fork. Loaded on demand. */
    readonly legacy: Effect.Effect<LegacyPorts>
  }
>()("userspace-cni/Vswitch") {}

/** A layer for one switch. It connects on first use. */
export type EngineLayer = Layer.Layer<Vswitch, never, Edges>
