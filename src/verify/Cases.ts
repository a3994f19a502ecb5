/** Each case: what it makes, what has to come true, and that it goes again. What it made is taken away, however it ends. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { addTimes, quantile } from "./AddTimes.ts"
import { Cluster, type VerifyError } from "./Cluster.ts"
import { settled, untilShown } from "./NodeObjects.ts"
import { kernelBridge, type Network, networkOn, otherUser } from "./Objects.ts"
import type { Case } from "./Plan.ts"
import {
  createNetwork,
  createPod,
  inNetworkStatus,
  list,
  removeNetwork,
  removePod,
  untilGone,
  untilReady
} from "./Pods.ts"

export interface Setting {
  readonly namespace: string
  readonly image: string
  readonly pods: number
  /** Addresses of nodes, by which their agents' metrics are read. */
  readonly hosts: Map<string, string>
}

export type Measured = Readonly<Record<string, number>>

const one = 90
const goes = 90
/** Each of many pods adds to the time that a small node takes. */
const many = (pods: number) => 60 + pods * 9

/** Pods and networks of a case, which go with its scope: the networks last, for Multus to find them at DEL. */
const making = ({ image, namespace }: Setting, { node }: Case, prefix: string) => {
  const made: Array<string> = []
  const network = (wanted: Network) =>
    Effect.as(
      Effect.acquireRelease(createNetwork(namespace, wanted), () =>
        Effect.ignore(removeNetwork(namespace, wanted.name))
      ),
      wanted
    )
  /** Deletes what is left of them: all at once, then waits. */
  const pods = Effect.addFinalizer(() =>
    Effect.ignore(
      Effect.gen(function* () {
        const there = (yield* list(namespace)).map(({ metadata }) => metadata.name)
        const left = made.filter((name) => there.includes(name))
        yield* Effect.forEach(left, (name) => removePod(namespace, name), { concurrency: 8, discard: true })
        yield* untilGone(namespace, left, goes)
      })
    )
  )
  const pod = (
    networks: ReadonlyArray<Network>,
    { user, waits = true }: { readonly user?: number; readonly waits?: boolean } = {}
  ) =>
    Effect.suspend(() => {
      const name = `${prefix}-${made.length + 1}`
      // Before it is asked for: a lost answer may have made it.
      made.push(name)
      const whole = { name, node, image, networks, waits, ...(user === undefined ? {} : { user }) }
      return Effect.as(createPod(namespace, whole), name)
    })
  return { network, pods, pod }
}

/** Whole networks of a pod: attached as the container and Multus see it, then gone. */
const attach = Effect.fnUntraced(function* (
  setting: Setting,
  todo: Case,
  prefix: string,
  wanted: ReadonlyArray<Network>,
  { shown = false, user }: { readonly shown?: boolean; readonly user?: number } = {}
) {
  const { namespace } = setting
  const { network, pod, pods } = making(setting, todo, prefix)
  const networks = yield* Effect.forEach(wanted, network)
  yield* pods
  const begun = yield* Clock.currentTimeMillis
  const name = yield* pod(networks, user === undefined ? {} : { user })
  const ready = (yield* untilReady(namespace, [name], one)).get(name)
  if (ready !== undefined) {
    yield* inNetworkStatus(ready.pod, namespace, networks)
    const host = ready.pod.status?.hostIP
    if (host) setting.hosts.set(todo.node, host)
  }
  const [first] = networks
  if (shown && first !== undefined) yield* untilShown(todo.node, first.name, 1)
  const deleted = yield* Clock.currentTimeMillis
  yield* removePod(namespace, name)
  yield* untilGone(namespace, [name], goes)
  const gone = yield* Clock.currentTimeMillis
  if (shown && first !== undefined) yield* untilShown(todo.node, first.name, 0)
  return { readySeconds: ((ready?.at ?? begun) - begun) / 1000, goneSeconds: (gone - deleted) / 1000 }
})

/** One when it is Ready, the other as soon as its first container may wait for the interface. */
const force = Effect.fnUntraced(function* (setting: Setting, todo: Case, prefix: string, wanted: Network) {
  const { namespace } = setting
  const { network, pod, pods } = making(setting, todo, prefix)
  const made = yield* network(wanted)
  yield* pods
  const ready = yield* pod([made])
  yield* untilReady(namespace, [ready], one)
  // Else nothing is to be seen of an agent that has stopped looking.
  yield* untilShown(todo.node, made.name, 1)
  const starting = yield* pod([made])
  yield* Effect.sleep("500 millis")
  yield* removePod(namespace, ready, true)
  yield* removePod(namespace, starting, true)
  yield* untilGone(namespace, [ready, starting], goes)
  // The API server forgets the pods before the node has removed anything.
  yield* settled
  yield* untilShown(todo.node, made.name, 0)
  return {}
})

const density = Effect.fnUntraced(function* (
  setting: Setting,
  todo: Case,
  prefix: string,
  wanted: ReadonlyArray<Network>
) {
  const { namespace } = setting
  const cluster = yield* Cluster
  const { network, pod, pods } = making(setting, todo, prefix)
  const networks = yield* Effect.forEach(wanted, network)
  yield* pods
  const host = setting.hosts.get(todo.node)
  const metrics = todo.on === undefined || host === undefined ? Effect.undefined : cluster.metrics(host)
  const before = yield* metrics
  const begun = new Map<string, number>()
  const start = yield* Clock.currentTimeMillis
  yield* Effect.forEach(
    Array.from({ length: setting.pods }),
    Effect.fnUntraced(function* () {
      const at = yield* Clock.currentTimeMillis
      begun.set(yield* pod(networks, { waits: false }), at)
    }),
    { concurrency: 8, discard: true }
  )
  const names = [...begun.keys()]
  const ready = yield* untilReady(namespace, names, many(setting.pods))
  yield* Effect.forEach(ready.values(), (seen) => inNetworkStatus(seen.pod, namespace, networks), { discard: true })
  const times = [...ready].map(([name, { at }]) => (at - (begun.get(name) ?? at)) / 1000)
  const after = yield* metrics
  const deleted = yield* Clock.currentTimeMillis
  yield* Effect.forEach(names, (name) => removePod(namespace, name), { concurrency: 8, discard: true })
  yield* untilGone(namespace, names, many(setting.pods))
  const gone = yield* Clock.currentTimeMillis
  const added = before === undefined || after === undefined ? undefined : addTimes(before, after)
  const measured: Measured = {
    readyP50Seconds: quantile(times, 0.5) ?? 0,
    readyP99Seconds: quantile(times, 0.99) ?? 0,
    allReadySeconds: (Math.max(...[...ready.values()].map(({ at }) => at)) - start) / 1000,
    allGoneSeconds: (gone - deleted) / 1000,
    ...(added === undefined
      ? {}
      : { adds: added.count, addP50Milliseconds: added.p50 * 1000, addP99Milliseconds: added.p99 * 1000 })
  }
  return measured
})

/** `prefix`: of the names of its pods and networks, of no other case. */
export const perform = (
  setting: Setting,
  todo: Case,
  prefix: string
): Effect.Effect<Measured, VerifyError, Cluster> => {
  const { on, trial } = todo
  const work = (): Effect.Effect<Measured, VerifyError, Cluster | Scope.Scope> => {
    if (trial.kind === "plain") return density(setting, todo, prefix, [])
    if (trial.kind === "kernel") return density(setting, todo, prefix, [kernelBridge(0), kernelBridge(1)])
    if (on === undefined) return Effect.succeed({})
    const [first, second] = [networkOn(`${prefix}-a`, on), networkOn(`${prefix}-b`, on)]
    switch (trial.kind) {
      case "attach":
        return attach(setting, todo, prefix, [first], { shown: true })
      case "bridge":
        return attach(setting, todo, prefix, [networkOn(`${prefix}-a`, on, { bridge: trial.bridge })])
      case "device":
        return attach(setting, todo, prefix, [networkOn(`${prefix}-a`, on, { resource: trial.resource })])
      case "two":
        return attach(setting, todo, prefix, [first, second])
      case "user":
        return attach(setting, todo, prefix, [networkOn(`${prefix}-a`, on, { group: otherUser })], { user: otherUser })
      case "force":
        return force(setting, todo, prefix, first)
      case "many":
        return density(setting, todo, prefix, [first, second])
    }
  }
  return Effect.scoped(Effect.suspend(work))
}
