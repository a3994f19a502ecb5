/**
 * Deadlines in seconds. kubelet gives a sandbox two to four minutes. A runtime kills the plugin at its own deadline; a
 * plugin that times out earlier can still roll back. Tests shorten them.
 */
import * as Context from "effect/Context"

interface Waits {
  /** For one run of an IPAM plugin. Less than 60, at which whereabouts' own DEL times out and reports success. */
  readonly ipam: number
  /** For one rollback step. */
  readonly undo: number
  /** For one probe of STATUS: kubelet asks every five seconds. */
  readonly status: number
  /** For a whole verb. */
  readonly total: number
}

export const Deadlines = Context.Reference<Waits>("userspace-cni/Deadlines", {
  defaultValue: () => ({ ipam: 30, undo: 15, status: 4, total: 90 })
})
