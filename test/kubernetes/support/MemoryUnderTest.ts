/** {@link ClusterUnderTest} in memory. */
import { randomUUID } from "node:crypto"
import { Effect, Layer, Option } from "effect"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { wholeWith } from "../../../src/kubernetes/PodDocument.ts"
import { ClusterUnderTest } from "./ClusterUnderTest.ts"
import { at, decode, encode } from "./PodStore.ts"
import { MemoryPods, layer as podsLayer } from "./PodsMemory.ts"
import { podJson } from "./TestPod.ts"

export const layer = Layer.sync(ClusterUnderTest, () => {
  const memory = new MemoryPods()
  const namespace = "tests"
  const create = (name: string, annotations?: Readonly<Record<string, string>>): Pod => {
    const uid = randomUUID()
    const json = podJson({ annotations, uid })
    const metadata = { ...at(json, "metadata"), name, namespace, resourceVersion: "" }
    memory.put(namespace, name, encode({ kind: "Pod", ...json, metadata }))
    return { namespace, name, uid }
  }
  const found = (pod: Pod) => Option.getOrThrow(memory.get(pod))
  return ClusterUnderTest.of({
    pods: podsLayer(memory),
    // Nobody else writes while a test counts, and every write makes a version.
    writes: Effect.sync(() => memory.versions),
    pod: (annotations) =>
      Effect.acquireRelease(
        Effect.sync(() => create(`pod-${randomUUID()}`, annotations)),
        ({ name }) => Effect.sync(() => memory.delete(namespace, name))
      ),
    look: (pod) =>
      Effect.sync(() => {
        const document = found(pod)
        const whole = decode(wholeWith(document, {}))
        const { annotations: _, resourceVersion, ...metadata } = at(whole, "metadata")
        return {
          annotations: document.annotations,
          resourceVersion: String(resourceVersion),
          rest: encode({ ...whole, metadata })
        }
      }),
    annotate: (pod, annotations) =>
      Effect.sync(() => memory.put(namespace, pod.name, wholeWith(found(pod), annotations))),
    remove: ({ name }) => Effect.sync(() => memory.delete(namespace, name)),
    replace: ({ name }) => Effect.sync(() => create(name))
  })
})
