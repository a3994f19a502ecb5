/**
 * Deadlines for VPP, in milliseconds. VPP does not reply to most malformed requests, and to nothing while it is
 * stopped.
 */
import * as Context from "effect/Context"

export interface VppWaits {
  /** For a connection slot. */
  readonly turn: number
  /** For the connection and VPP's hello reply; then for one request, or several that are sent together. */
  readonly answer: number
  /** For VPP's reply to the disconnect. Without it, the connection is closed. */
  readonly goodbye: number
}

export const VppDeadlines = Context.Reference<VppWaits>("userspace-cni/VppDeadlines", {
  defaultValue: () => ({ turn: 60_000, answer: 15_000, goodbye: 1_000 })
})
