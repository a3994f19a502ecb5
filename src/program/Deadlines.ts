/**
 * Deadlines in seconds. kubelet gives a sandbox two to four minutes; a runtime kills the plugin at its own deadline,
 * and a plugin that times out earlier can still roll back. Tests shorten them.
 */
import * as Context from "effect/Context"

export interface Waits {
  /** One run of an IPAM plugin. Less than 60: whereabouts' own DEL then times out, and reports success. */
  readonly ipam: number
  /** One undo step. */
  readonly undo: number
  /** One probe of STATUS: kubelet asks every five seconds. */
  readonly status: number
  /** The whole of a verb. */
  readonly total: number
}

export const Deadlines = Context.Reference<Waits>("userspace-cni/Deadlines", {
  defaultValue: () => ({ ipam: 30, undo: 15, status: 4, total: 90 })
})
