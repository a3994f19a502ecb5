/**
 * The pod of an attachment on the API server: read once, and annotated so that concurrent changes survive. Only
 * annotations are changed. Without conflicts, ADD and DEL make two requests each.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Pod } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { Https } from "../platform/Https.ts"
import { ask, persist, type Wanted } from "./ApiServer.ts"
import { type Access, readAccess } from "./Credentials.ts"
import type { Origin } from "./Origin.ts"
import {
  type Annotations,
  type Changes,
  isPod,
  mergePatch,
  outstanding,
  type PodDocument,
  readPod,
  wholeWith
} from "./PodDocument.ts"
import { PodsError, type Reason } from "./PodsError.ts"

export class Pods extends Context.Service<
  Pods,
  {
    /** Returns the pod with this name, if it still has this UID (an empty UID matches all). */
    readonly read: (pod: Pod) => Effect.Effect<PodDocument, PodsError>
    /**
     * Applies `change` to the annotations, and repeats it on the current pod after a conflict. Starts from `seen`, or
     * reads the pod. Without changes nothing is written.
     */
    readonly annotate: (
      pod: Pod,
      change: (annotations: Annotations) => Changes,
      seen?: PodDocument
    ) => Effect.Effect<void, PodsError>
    /** Fails as `annotate` would, and changes nothing: the API server asks rights and policies, and stores nothing. */
    readonly rehearse: (pod: Pod, changes: Changes, seen: PodDocument) => Effect.Effect<void, PodsError>
  }
>()("userspace-cni/Pods") {
  static readonly layer = (origin: Origin) =>
    Layer.effect(
      Pods,
      Effect.suspend(() => make(origin))
    )
}

type Asking<A> = Effect.Effect<A, Reason>

/**
 * Roles differ, so a refused way to write is followed by the next, in order of increasing rights: update of pods/status
 * covers metadata and status, and not the spec. Multus' role has it as well. Kubernetes:
 * pkg/registry/core/pod/strategy.go, podStatusStrategy.
 */
const ways = [
  { method: "PUT", subresource: "/status" },
  { method: "PUT", subresource: "" },
  { method: "PATCH", subresource: "/status" },
  { method: "PATCH", subresource: "" }
] as const

const make = Effect.fnUntraced(function* (origin: Origin) {
  const files = yield* Files
  const https = yield* Https

  const access = yield* Effect.cached(
    readAccess(files, origin).pipe(
      Effect.mapError((problem): Reason => ({ _tag: "NoAccess", ...problem })),
      Effect.tap(({ warnings }) => Effect.forEach(warnings, (warning) => Effect.logWarning(warning)))
    )
  )

  const request = (wanted: Wanted) => Effect.flatMap(access, (known) => ask(https, known, wanted))

  const readOnce = (pod: Pod): Asking<PodDocument> =>
    Effect.flatMap(request({ method: "GET", path: pathOf(pod) }), (text) => judged(text, pod))

  const write = (pod: Pod, seen: PodDocument, changes: Changes, query = ""): Asking<void> => {
    const by = ([way, ...rest]: ReadonlyArray<(typeof ways)[number]>, first?: Reason): Asking<void> =>
      way === undefined
        ? Effect.fail(first ?? { _tag: "Forbidden", said: "" })
        : request({
            method: way.method,
            path: `${pathOf(pod)}${way.subresource}${query}`,
            body: way.method === "PUT" ? wholeWith(seen, changes) : mergePatch(seen, changes)
          }).pipe(
            // Another answer, such as a proxy's page, means that nothing was written.
            Effect.flatMap((text) => judged(text, pod)),
            Effect.asVoid,
            Effect.catchIf(
              ({ _tag }) => _tag === "Forbidden",
              (reason) => by(rest, first ?? reason)
            )
          )
    return by(ways)
  }

  const asError =
    (operation: string, { name, namespace }: Pod) =>
    (reason: Reason) =>
      Effect.flatMap(serverOf(access), (server) =>
        Effect.fail(new PodsError({ server, operation: `${operation} pod ${namespace}/${name}`, reason }))
      )

  const read = Effect.fn("Pods.read")((pod: Pod) => Effect.catch(persist(readOnce(pod)), asError("read", pod)))

  const annotate = Effect.fn("Pods.annotate")(function* (
    pod: Pod,
    change: (annotations: Annotations) => Changes,
    seen?: PodDocument
  ) {
    let known = seen
    const once = Effect.gen(function* () {
      const current = known ?? (yield* readOnce(pod))
      // Whatever the result of the write, the next attempt reads the pod first: the write may have been made, by this
      // call or another.
      known = undefined
      const changes = outstanding(current, change(current.annotations))
      if (Object.keys(changes).length > 0) yield* write(pod, current, changes)
    })
    yield* Effect.catch(persist(once), asError("annotate", pod))
  })

  const rehearse = (pod: Pod, changes: Changes, seen: PodDocument) =>
    Effect.catch(write(pod, seen, changes, "?dryRun=All"), asError("annotate", pod))

  return Pods.of({ read, annotate, rehearse })
})

const pathOf = ({ name, namespace }: Pod): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`

const judged = (text: string, { uid }: Pod): Asking<PodDocument> => {
  const document = readPod(text)
  if (Option.isNone(document)) return Effect.fail({ _tag: "Garbage", problem: "the response is not a pod" })
  return isPod(document.value, uid)
    ? Effect.succeed(document.value)
    : Effect.fail({ _tag: "Replaced", wanted: uid, found: document.value.uid })
}

const serverOf = (access: Effect.Effect<Access, Reason>): Effect.Effect<string> =>
  Effect.orElseSucceed(
    Effect.map(access, ({ server }) => server),
    () => ""
  )
