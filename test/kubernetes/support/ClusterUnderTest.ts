/**
 * A cluster from outside: what kubectl, a controller or a deletion does to a pod. The suite of `Pods` runs on every layer
 * of this, so that the servers of the tests are held to what a real one does.
 */
import { Context, type Effect, type Layer, type Scope } from "effect"
import type { Pod } from "../../../src/attachment/Attachment.ts"
import type { Pods } from "../../../src/kubernetes/Pods.ts"

export interface Found {
  readonly annotations: Readonly<Record<string, string>>
  readonly resourceVersion: string
  /** All of the pod but its annotations and what the server keeps about writes, as text. */
  readonly rest: string
}

export class ClusterUnderTest extends Context.Service<
  ClusterUnderTest,
  {
    /** New credentials and connections each time it is provided. */
    readonly pods: Layer.Layer<Pods>
    /** A pod that stays as long as the scope. It is never scheduled. */
    readonly pod: (annotations?: Readonly<Record<string, string>>) => Effect.Effect<Pod, never, Scope.Scope>
    readonly look: (pod: Pod) => Effect.Effect<Found>
    /** As a controller writes: these annotations, whatever happened meanwhile. */
    readonly annotate: (pod: Pod, annotations: Readonly<Record<string, string>>) => Effect.Effect<void>
    readonly remove: (pod: Pod) => Effect.Effect<void>
    /** Deleted, and made anew under its name; the scope is that of the first. */
    readonly replace: (pod: Pod) => Effect.Effect<Pod>
  }
>()("userspace-cni/test/ClusterUnderTest") {}
