/** How long the API server is waited for, in seconds. Below what an undo may take. Tests shorten them. */
import * as Context from "effect/Context"

export interface Waits {
  /** One request. */
  readonly answer: number
  /** All requests of one operation, with the waits between them. */
  readonly total: number
}

export const KubernetesDeadlines = Context.Reference<Waits>("userspace-cni/KubernetesDeadlines", {
  defaultValue: () => ({ answer: 5, total: 8 })
})
