/**
 * Ports of the original plugin (intel/userspace-cni-network-plugin) and its fork (fivetime/userspace-cni) on a switch,
 * which do not carry the plugin's mark: part of {@link Vswitch}. The interface between the switches and `legacy`, which
 * implements and uses it.
 */
import * as Effect from "effect/Effect"
import type { HostPort } from "../cni/network/HostPort.ts"
import type { Identity } from "../identity/Attachment.ts"
import type { Difference, PortRequest } from "./PortRequest.ts"
import type { VswitchError } from "./VswitchError.ts"

export interface LegacyAsked {
  readonly attachment: Identity
  /** Its state file, when there is one: OVS port name, VPP index (never trusted without looking). */
  readonly state: { readonly portName: string | undefined; readonly swIfIndex: number | undefined } | undefined
  /** The port of the configuration, and where that has the socket: for a switch on which they have no mark. */
  readonly port?: HostPort
  readonly socketPath?: string
}

export interface LegacyPort {
  readonly by: "original" | "fork"
  readonly port: string
  /** The fork marks them; neither marks the network. */
  readonly containerId: string | undefined
  readonly ifName: string | undefined
  /** Undefined in server mode. */
  readonly socketPath: string | undefined
  readonly bridge: string | undefined
}

export interface LegacyFound {
  readonly ports: ReadonlyArray<LegacyPort>
  /** State file and files of the plain name are another container's, whose id begins alike: the port has its mark. */
  readonly isAnothers: boolean
}

type Done<A> = Effect.Effect<A, VswitchError>

export interface LegacyPorts {
  /** Those that say whose they are: the fork's. */
  readonly list: Done<ReadonlyArray<LegacyPort>>
  /** Of one attachment: by the fork's marks, and by the name that the state file has. */
  readonly find: (asked: LegacyAsked) => Done<LegacyFound>
  /**
   * Removes those that `find` gives; returns what it removed. Fails when the port that the state file names is there and
   * is not as either of them makes it.
   */
  readonly remove: (asked: LegacyAsked) => Done<ReadonlyArray<string>>
  /** Compares with what the request asks for, as far as it follows from the configuration. */
  readonly verify: (asked: LegacyAsked, request: PortRequest) => Done<ReadonlyArray<Difference>>
}

/** A switch that has none. */
export const noLegacyPorts: LegacyPorts = {
  list: Effect.succeed([]),
  find: () => Effect.succeed({ ports: [], isAnothers: false }),
  remove: () => Effect.succeed([]),
  verify: () => Effect.succeed([])
}
