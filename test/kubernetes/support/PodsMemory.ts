/**
 * {@link Pods} in memory: the tests of the programs run on it. It keeps whole pods, with a new resource version for
 * each change, and shows its whole state for comparison. No HTTP, no users.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { isPod, outstanding, type PodDocument, readPod, wholeWith } from "../../../src/kubernetes/PodDocument.ts"
import { Pods } from "../../../src/kubernetes/Pods.ts"
import { PodsError, type Reason } from "../../../src/kubernetes/PodsError.ts"

/** The state, which several layers can share and which outlives them. */
export class MemoryPods {
  private readonly texts = new Map<string, string>()
  private version = 0

  /** Number of versions so far: one for each write. */
  get versions(): number {
    return this.version
  }

  /** A write by somebody else: a whole pod, as JSON. Its resource version is assigned here. */
  put(namespace: string, name: string, pod: string): void {
    this.version += 1
    const document = Option.getOrThrow(readPod(pod))
    this.texts.set(`${namespace}/${name}`, wholeWith(document, {}, String(this.version)))
  }

  delete(namespace: string, name: string): void {
    this.texts.delete(`${namespace}/${name}`)
  }

  get({ name, namespace }: Pick<Pod, "name" | "namespace">): Option.Option<PodDocument> {
    return Option.flatMap(Option.fromNullishOr(this.texts.get(`${namespace}/${name}`)), readPod)
  }

  /** The annotations of every pod, in order: equal dumps are equal clusters, as far as the plugin may change them. */
  dump(): ReadonlyArray<string> {
    return [...this.texts]
      .map(([name, text]) => `${name} ${JSON.stringify(Option.map(readPod(text), ({ annotations }) => annotations))}`)
      .sort()
  }
}

export const layer = (memory: MemoryPods): Layer.Layer<Pods> => {
  const failed = (operation: string, { name, namespace }: Pod, reason: Reason) =>
    new PodsError({ server: "memory", operation: `${operation} pod ${namespace}/${name}`, reason })

  const find = (operation: string, pod: Pod) =>
    Effect.suspend(() =>
      Option.match(memory.get(pod), {
        onNone: () => Effect.fail(failed(operation, pod, { _tag: "NotFound" })),
        onSome: (document) =>
          isPod(document, pod.uid)
            ? Effect.succeed(document)
            : Effect.fail(failed(operation, pod, { _tag: "Replaced", wanted: pod.uid, found: document.uid }))
      })
    )

  return Layer.succeed(
    Pods,
    Pods.of({
      read: (pod) => find("read", pod),
      rehearse: (pod) => Effect.asVoid(find("annotate", pod)),
      annotate: (pod, change) =>
        Effect.map(find("annotate", pod), (document) => {
          const changes = outstanding(document, change(document.annotations))
          if (Object.keys(changes).length > 0) memory.put(pod.namespace, pod.name, wholeWith(document, changes))
        })
    })
  )
}
