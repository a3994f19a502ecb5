/** How long we wait for VPP, in milliseconds. VPP answers most mistakes, and all of ours while it is stopped, with silence. */
import * as Context from "effect/Context"

export interface VppWaits {
  /** Our turn, the connection, and VPP's hello, together. */
  readonly open: number
  /** One request, or several that are sent together. */
  readonly answer: number
  /** VPP's goodbye. When it does not come, we go. */
  readonly goodbye: number
}

export const VppDeadlines = Context.Reference<VppWaits>("userspace-cni/VppDeadlines", {
  defaultValue: () => ({ open: 20_000, answer: 5_000, goodbye: 1_000 })
})
