/**
 * Ports of the original plugin (intel/userspace-cni-network-plugin) and its fork (fivetime/userspace-cni) on a switch,
 * without the plugin's mark: part of {@link Vswitch}. The interface between the switches, which implement it, and
 * `legacy`, which uses it.
 */
import * as Effect from "effect/Effect"
import type { HostPort } from "../cni/network/HostPort.ts"
import type { Identity } from "../identity/Attachment.ts"
import type { Difference, PortRequest } from "./PortRequest.ts"
import type { VswitchError } from "./VswitchError.ts"

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

type Done<A> = Effect.Effect<A, VswitchError>

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
