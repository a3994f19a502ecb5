/**
 * Deadlines of requests to the API server, in seconds. They are shorter than that of a rollback step. Tests shorten
 * them.
 */
import * as Context from "effect/Context"

interface Waits {
  /** For one request. */
  readonly answer: number
  /** For all requests of one operation, with the pauses between them. */
  readonly total: number
}

export const KubernetesDeadlines = Context.Reference<Waits>("userspace-cni/KubernetesDeadlines", {
  defaultValue: () => ({ answer: 5, total: 8 })
})
