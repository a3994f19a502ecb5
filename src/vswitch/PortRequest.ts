/** The request for one port, and the differences of an existing one from it. */
import type { HostPort } from "../cni/network/HostPort.ts"
import type { Attachment } from "../identity/Attachment.ts"

/** An address with its prefix, and the gateway of its subnet: `10.1.2.3/24`, `fd00::3/64`. */
export interface Address {
  readonly address: string
  readonly gateway: string | undefined
}

/** Everything that a switch needs to create one port. */
export interface PortRequest {
  readonly attachment: Attachment
  /** A UUID, new for every ADD. An undo removes only what carries it, so a second ADD cannot harm the first. */
  readonly invocation: string
  readonly port: HostPort
  /** Where the two ends meet, as the switch shall write it: short enough for a socket address. */
  readonly socketPath: string
  /** For the container's end; VPP also sets it on its own where asked. */
  readonly mac: string
  /** IPAM's addresses when the port wants them on the switch (`netType: interface`), else empty. */
  readonly addresses: ReadonlyArray<Address>
}

/** One difference from what ADD set up: `VLAN is 7, not 5`. */
export interface Difference {
  readonly what: string
  /** No difference, but it may not work. */
  readonly warning?: boolean
  /**
   * `missing`: there is no port. `forgotten`: a part of it that a switch loses by itself, and that `restore` makes again
   * without undoing what anybody has set. `silent`: who makes ports does not answer. Absent: somebody has changed it.
   */
  readonly kind?: "missing" | "forgotten" | "silent"
}
