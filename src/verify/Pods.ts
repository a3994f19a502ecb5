/**
 * The pods of a run: made, watched by reading the list of the namespace, deleted. Times are those of this process: the
 * API server's have whole seconds.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Cluster, VerifyError } from "./Cluster.ts"
import { label, type Network, type Pod as NewPod, networkObject, podObject } from "./Objects.ts"

const text = Schema.String
const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const State = Schema.Struct({
  waiting: optional(Schema.Struct({ reason: optional(text), message: optional(text) })),
  terminated: optional(Schema.Struct({ exitCode: Schema.Number, reason: optional(text), message: optional(text) }))
})
const Container = Schema.Struct({ name: text, state: optional(State) })

const Pod = Schema.Struct({
  metadata: Schema.Struct({ name: text, annotations: optional(Schema.Record(text, text)) }),
  status: optional(
    Schema.Struct({
      phase: optional(text),
      hostIP: optional(text),
      conditions: optional(
        Schema.Array(Schema.Struct({ type: text, status: text, reason: optional(text), message: optional(text) }))
      ),
      initContainerStatuses: optional(Schema.Array(Container)),
      containerStatuses: optional(Schema.Array(Container))
    })
  )
})
export type Pod = typeof Pod.Type

const decodePods = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ items: Schema.Array(Pod) })))

const Networks = Schema.Struct({ items: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: text }) })) })
const decodeNetworks = Schema.decodeUnknownOption(Schema.fromJsonString(Networks))

const Events = Schema.Struct({
  items: Schema.Array(Schema.Struct({ type: optional(text), reason: optional(text), message: optional(text) }))
})
const decodeEvents = Schema.decodeUnknownOption(Schema.fromJsonString(Events))

const Statuses = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ name: text, interface: optional(text), "device-info": optional(Schema.Unknown) }))
)
const decodeStatuses = Schema.decodeUnknownOption(Statuses)

const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`
const networks = (namespace: string) =>
  `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions`

const between = "250 millis"

const squeezed = (words: string): string => words.replaceAll(/\s+/g, " ").trim().slice(0, 600)

export const list = Effect.fnUntraced(function* (namespace: string) {
  const cluster = yield* Cluster
  const { items } = yield* cluster.get(
    { operation: `list the pods of ${namespace}`, right: `list pods in ${namespace}` },
    `${pods(namespace)}?labelSelector=${encodeURIComponent(label)}`,
    decodePods
  )
  return items
})

export const createNetwork = Effect.fnUntraced(function* (namespace: string, network: Network) {
  const cluster = yield* Cluster
  yield* cluster.create(
    {
      operation: `make the network ${network.name}`,
      right: `create network-attachment-definitions of k8s.cni.cncf.io in ${namespace}`
    },
    networks(namespace),
    networkObject(network)
  )
})

export const removeNetwork = Effect.fnUntraced(function* (namespace: string, name: string) {
  const cluster = yield* Cluster
  yield* cluster.remove(
    {
      operation: `delete the network ${name}`,
      right: `delete network-attachment-definitions of k8s.cni.cncf.io in ${namespace}`
    },
    `${networks(namespace)}/${name}`
  )
})

export const removeNetworks = Effect.fnUntraced(function* (namespace: string) {
  const cluster = yield* Cluster
  const { items } = yield* cluster.get(
    {
      operation: `list the networks of ${namespace}`,
      right: `list network-attachment-definitions of k8s.cni.cncf.io in ${namespace}`
    },
    `${networks(namespace)}?labelSelector=${encodeURIComponent(label)}`,
    decodeNetworks
  )
  yield* Effect.forEach(items, ({ metadata }) => removeNetwork(namespace, metadata.name), { discard: true })
})

export const createPod = Effect.fnUntraced(function* (namespace: string, pod: NewPod) {
  const cluster = yield* Cluster
  yield* cluster.create(
    { operation: `make the pod ${pod.name}`, right: `create pods in ${namespace}` },
    pods(namespace),
    podObject(pod)
  )
})

export const removePod = Effect.fnUntraced(function* (namespace: string, name: string, force = false) {
  const cluster = yield* Cluster
  yield* cluster.remove(
    { operation: `delete the pod ${name}`, right: `delete pods in ${namespace}` },
    `${pods(namespace)}/${name}${force ? "?gracePeriodSeconds=0" : ""}`
  )
})

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true

/** What will not get better by waiting. */
const fatal = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "CreateContainerError"
])

interface Trouble {
  readonly words: string
  readonly cure: string
}

const troubleOf = ({ metadata: { name }, status }: Pod): Trouble | undefined => {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  for (const { name: container, state } of containers) {
    const { reason, message } = state?.waiting ?? {}
    if (reason && fatal.has(reason)) {
      const words = squeezed(`pod ${name}: ${reason}: ${message ?? ""}`)
      return { words, cure: "Name an image that the node has or can pull, with --image." }
    }
    const ended = state?.terminated
    if (ended && ended.exitCode !== 0) {
      const words = squeezed(
        `pod ${name}, container ${container}: exit status ${ended.exitCode}: ${ended.message ?? ""}`
      )
      return { words, cure: "Read what the container found; `userspace doctor` on the node looks at the rest." }
    }
  }
  return status?.phase === "Failed" || status?.phase === "Succeeded"
    ? { words: `pod ${name} has ended: ${status.phase}`, cure: "Look at its node: kubectl describe node." }
    : undefined
}

/** The last warning about the pod: what kubelet says of the plugin's error is there. */
const lastWarning = Effect.fnUntraced(function* (namespace: string, name: string) {
  const cluster = yield* Cluster
  const selector = encodeURIComponent(`involvedObject.name=${name}`)
  const { items } = yield* cluster.get(
    { operation: `list the events of the pod ${name}`, right: `list events in ${namespace}` },
    `/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`,
    decodeEvents
  )
  const warning = items.findLast(({ type }) => type === "Warning")
  return warning === undefined ? "no event says why" : squeezed(`${warning.reason ?? ""}: ${warning.message ?? ""}`)
})

interface Ready {
  readonly pod: Pod
  /** Milliseconds of this process' clock. */
  readonly at: number
}

/** Each of the pods with the time at which it was seen Ready. */
export const untilReady = Effect.fnUntraced(function* (
  namespace: string,
  names: ReadonlyArray<string>,
  seconds: number
) {
  const ready = new Map<string, Ready>()
  const end = (yield* Clock.currentTimeMillis) + seconds * 1000
  while (true) {
    const all = yield* list(namespace)
    const now = yield* Clock.currentTimeMillis
    for (const pod of all) {
      const { name } = pod.metadata
      if (!names.includes(name) || ready.has(name)) continue
      const trouble = troubleOf(pod)
      if (trouble !== undefined) {
        return yield* new VerifyError({ failed: "the pod failed", answer: trouble.words, cure: trouble.cure })
      }
      if (isReady(pod)) ready.set(name, { pod, at: now })
    }
    if (ready.size === names.length) return ready
    if (now >= end) return yield* notReady(namespace, names, ready, all, seconds)
    yield* Effect.sleep(between)
  }
})

const notReady = Effect.fnUntraced(function* (
  namespace: string,
  names: ReadonlyArray<string>,
  ready: ReadonlyMap<string, Ready>,
  all: ReadonlyArray<Pod>,
  seconds: number
) {
  const late = names.filter((name) => !ready.has(name))
  const [first = ""] = late
  const conditions = all.find(({ metadata }) => metadata.name === first)?.status?.conditions ?? []
  const unscheduled = conditions.find(({ status, type }) => type === "PodScheduled" && status === "False")
  const why =
    unscheduled === undefined
      ? yield* Effect.catch(lastWarning(namespace, first), ({ message }) => Effect.succeed(message))
      : squeezed(`not scheduled: ${unscheduled.message ?? unscheduled.reason ?? ""}`)
  const count = names.length === 1 ? `pod ${first}` : `${late.length} of ${names.length} pods, ${first} among them,`
  return yield* new VerifyError({
    failed: `${names.length === 1 ? "the pod is" : "pods are"} not Ready after ${seconds} s`,
    answer: `${count} ${why}`,
    cure: "Read the message; `userspace doctor` on the node finds what is wrong there."
  })
})

/** Until none of them is there any more. */
export const untilGone = Effect.fnUntraced(function* (
  namespace: string,
  names: ReadonlyArray<string> | undefined,
  seconds: number
) {
  const end = (yield* Clock.currentTimeMillis) + seconds * 1000
  while (true) {
    const left = (yield* list(namespace))
      .map(({ metadata }) => metadata.name)
      .filter((name) => names === undefined || names.includes(name))
    if (left.length === 0) return
    if ((yield* Clock.currentTimeMillis) >= end) {
      return yield* new VerifyError({
        failed: `${left.length === 1 ? "a pod is" : "pods are"} still there after ${seconds} s`,
        answer: left.join(", "),
        cure: "A DEL fails, or the node does not answer: kubectl describe pod, and the log of kubelet."
      })
    }
    yield* Effect.sleep(between)
  }
})

/** Multus' word: each of the networks, and none twice. */
export const inNetworkStatus = (
  { metadata: { annotations, name } }: Pod,
  namespace: string,
  wanted: ReadonlyArray<Network>
): Effect.Effect<void, VerifyError> => {
  const statuses = Option.getOrElse(
    decodeStatuses(annotations?.["k8s.v1.cni.cncf.io/network-status"] ?? ""),
    () => []
  ).map((one) => one.name)
  const missing = wanted.filter((one) => !statuses.includes(`${namespace}/${one.name}`)).map((one) => one.name)
  return missing.length === 0
    ? Effect.void
    : Effect.fail(
        new VerifyError({
          failed: "network-status is not complete",
          answer: `pod ${name}: ${missing.join(", ")} is not in it, but ${statuses.join(", ") || "nothing"}`,
          cure: "Multus writes it: read its log on the node."
        })
      )
}
