/**
 * A cluster from outside: what kubectl, a controller or a deletion does to a pod. The suite of `Pods` runs on every
 * layer of this, so that the servers of the tests are held to the behaviour of a real one.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { Pods } from "../../../src/kubernetes/Pods.ts"
import { Files } from "../../../src/platform/Files.ts"
import { Https } from "../../../src/platform/Https.ts"
import * as NodeHttps from "../../platform/support/node/NodeHttps.ts"

interface ObservedAttachment {
  readonly annotations: Readonly<Record<string, string>>
  readonly resourceVersion: string
  /** The pod without its annotations and the server's records of writes, as text. */
  readonly rest: string
}

export class ClusterUnderTest extends Context.Service<
  ClusterUnderTest,
  {
    /** New credentials and connections each time it is provided. */
    readonly pods: Layer.Layer<Pods>
    /** Number of writes of `pods` so far, whether or not they changed something. Others write as well. */
    readonly writes: Effect.Effect<number>
    /** A pod for the scope. It is never scheduled. */
    readonly pod: (annotations?: Readonly<Record<string, string>>) => Effect.Effect<Pod, never, Scope.Scope>
    readonly look: (pod: Pod) => Effect.Effect<ObservedAttachment>
    /** A write by a controller: these annotations, whatever happened meanwhile. */
    readonly annotate: (pod: Pod, annotations: Readonly<Record<string, string>>) => Effect.Effect<void>
    readonly remove: (pod: Pod) => Effect.Effect<void>
    /** Deleted, and created again with the same name; the scope is that of the first. */
    readonly replace: (pod: Pod) => Effect.Effect<Pod>
  }
>()("userspace-cni/test/ClusterUnderTest") {}

/** `Pods` on a real connection, with a count of writing requests. */
export const counted = (kubeconfig: string): Pick<ClusterUnderTest["Service"], "pods" | "writes"> => {
  let writes = 0
  const counting = Layer.effect(
    Https,
    Effect.map(Https, (https) =>
      Https.of({
        ...https,
        send: (request) => {
          if (request.method !== "GET") writes += 1
          return https.send(request)
        }
      })
    )
  ).pipe(Layer.provide(NodeHttps.layer))
  return {
    pods: Layer.provide(Pods.layer({ kubeconfig }), [Files.layer, counting]),
    writes: Effect.sync(() => writes)
  }
}
