/**
 * Deadlines for VPP, in milliseconds. VPP answers most malformed requests, and all requests while it is stopped, with
 * silence.
 */
import * as Context from "effect/Context"

export interface VppWaits {
  /** Our turn. */
  readonly turn: number
  /** The connection and VPP's hello; then one request, or several that are sent together. */
  readonly answer: number
  /** VPP's goodbye. When it does not come, we go. */
  readonly goodbye: number
}

export const VppDeadlines = Context.Reference<VppWaits>("userspace-cni/VppDeadlines", {
  defaultValue: () => ({ turn: 60_000, answer: 15_000, goodbye: 1_000 })
})
