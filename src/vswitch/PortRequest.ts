/** The request for one port, and the differences of an existing port from it. */
import type { HostPort } from "../cni/network/HostPort.ts"
import type { Attachment } from "../identity/Attachment.ts"

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
   * `missing`: the port does not exist. `forgotten`: a switch lost part of the port by itself, and `restore` recreates it without reverting what anybody has set. `silent`: the daemon that creates ports does not answer. Absent: somebody changed it.
   */
  readonly kind?: "missing" | "forgotten" | "silent"
}
