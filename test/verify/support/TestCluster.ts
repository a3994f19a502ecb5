/**
 * A cluster for `verify`: the API server with namespaces, networks and pods, and a kubelet, Multus and agent of one node that
 * go a step with each reading of the pods or of the node's object. A real connection; no time passes that nobody waits for.
 */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { turn } from "../../../src/platform/Sockets.ts"
import { type } from "../../cli/support/Terminal.ts"
import * as MemoryNode from "../../dry-run/support/MemoryNode.ts"
import { apiServer, type Other, type OtherRight, type Right } from "../../kubernetes/support/ApiServer.ts"
import { countedHttps } from "../../kubernetes/support/CountedHttps.ts"
import { kubeconfigText } from "../../kubernetes/support/KubeconfigText.ts"
import { at, decode, type Json, Refused } from "../../kubernetes/support/PodStore.ts"

export const kubeconfig = "/etc/kubeconfig"

export const rights: ReadonlyArray<Right> = [
  "get userspacenodes",
  "list userspacenodes",
  "get nodes",
  "get namespaces",
  "create namespaces",
  "delete namespaces",
  "get serviceaccounts",
  "list pods",
  "create pods",
  "delete pods",
  "list network-attachment-definitions",
  "create network-attachment-definitions",
  "delete network-attachment-definitions",
  "list events"
]

const Made = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
  }),
  spec: Schema.Record(Schema.String, Schema.Unknown)
})

interface Pod {
  readonly name: string
  readonly networks: ReadonlyArray<string>
  readonly spec: Json
  /** Readings since it was made. */
  age: number
  /** Readings since it was deleted; undefined: it was not. */
  leaving: number | undefined
}

/** What goes wrong with a pod. */
export type Wrong = "image" | "wait" | "sandbox" | "unscheduled" | "ended"

interface SwitchOf {
  readonly engine: string
  readonly control: string
  readonly version: string
  readonly reachable: boolean
  readonly message: string
  readonly bridges: ReadonlyArray<{ readonly name: string; readonly datapath: string; readonly healthy: boolean }>
}

export const ovs: SwitchOf = {
  engine: "ovs-dpdk",
  control: "/run/openvswitch/db.sock",
  version: "3.5.0",
  reachable: true,
  message: "",
  bridges: []
}

interface Resource {
  readonly name: string
  readonly total: number
  readonly used: number
  readonly unhealthy: number
}

export const statusWith = (
  switches: ReadonlyArray<SwitchOf>,
  attachments: ReadonlyMap<string, number> = new Map(),
  resources: ReadonlyArray<Resource> = []
) => ({
  version: "0.1.0",
  summary: { switches: "", findings: "", healed: "", attachments: 0 },
  conditions: [],
  switches,
  attachments: [...attachments].map(([network, total]) => ({ network, total, states: { disconnected: total } })),
  resources,
  findings: [],
  healed: []
})

const status = (pod: Pod, wrong: Wrong | undefined) => {
  const ready = (is: boolean) => ({
    phase: is ? "Running" : "Pending",
    conditions: [{ type: "Ready", status: is ? "True" : "False" }]
  })
  const base = { hostIP: "192.0.2.1", ...ready(pod.age > 3 && wrong === undefined) }
  const container = (name: string, state: object) => [{ name, state }]
  switch (wrong) {
    case "image": {
      const waiting = { reason: "ErrImagePull", message: "not found" }
      return { ...base, initContainerStatuses: container("wait", { waiting }) }
    }
    case "wait": {
      const terminated = { exitCode: 1, reason: "Error", message: "userspace: no configuration of net1" }
      return { ...base, phase: "Failed", initContainerStatuses: container("wait", { terminated }) }
    }
    case "ended":
      return { ...base, phase: "Succeeded" }
    case "unscheduled":
      return { ...base, conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes: too many pods" }] }
    default:
      return base
  }
}

const networksOf = (annotations: Readonly<Record<string, string>> = {}) =>
  (annotations["k8s.v1.cni.cncf.io/networks"] ?? "").split(",").filter((name) => name !== "")

export const testCluster = Effect.gen(function* () {
  const node = MemoryNode.make()
  const namespaces = new Map<string, Json>()
  const networks = new Map<string, Json>()
  const pods = new Map<string, Pod>()
  const configured = {
    switches: [ovs] as ReadonlyArray<SwitchOf>,
    resources: [] as ReadonlyArray<Resource>,
    /** By the pod's name. */
    wrong: (_name: string): Wrong | undefined => undefined,
    /** False: the agent has ended. */
    writes: true,
    /** DEL removes nothing. */
    leaks: false,
    /** Multus writes the status of one network only. */
    forgets: false,
    /** Readings until the account of a new namespace is there. */
    accountIn: 2,
    metrics: undefined as ((reading: number) => string) | undefined,
    most: 0
  }
  const attached = new Map<string, number>()
  const add = (pod: Pod, by: number) => {
    for (const network of pod.networks) {
      const count = (attached.get(network) ?? 0) + by
      if (count === 0) attached.delete(network)
      else attached.set(network, count)
    }
  }
  const write = () =>
    server.nodes.objects.set("n1", {
      metadata: { name: "n1" },
      status: statusWith(configured.switches, attached, configured.resources)
    })
  /** Pods that the API server has forgotten, and the node not yet. */
  const forgotten = new Set<Pod>()

  const step = () => {
    for (const pod of [...pods.values(), ...forgotten]) {
      pod.age++
      if (pod.age === 2 && configured.wrong(pod.name) === undefined) add(pod, 1)
      if (pod.leaving === undefined) continue
      pod.leaving++
      if (pod.leaving < 2) continue
      if (pod.age >= 2 && configured.wrong(pod.name) === undefined && !configured.leaks) add(pod, -1)
      pods.delete(pod.name)
      forgotten.delete(pod)
    }
    if (configured.writes) write()
    configured.most = Math.max(configured.most, pods.size)
  }

  const shown = (pod: Pod): Json => ({
    metadata: {
      name: pod.name,
      annotations:
        pod.age > 2 && configured.wrong(pod.name) === undefined
          ? {
              "k8s.v1.cni.cncf.io/network-status": JSON.stringify([
                { name: "default" },
                ...pod.networks
                  .slice(0, configured.forgets ? 1 : undefined)
                  .map((name) => ({ name: `userspace-verify/${name}` }))
              ])
            }
          : {}
    },
    status: status(pod, configured.wrong(pod.name))
  })

  const found = <A>(value: A | undefined): A => {
    if (value === undefined) throw new Refused(404, "NotFound", "not found")
    return value
  }

  const others = (method: string, { pathname, searchParams }: URL): Other | undefined => {
    const other = (right: OtherRight, answer: (body: string) => Json): Other => ({ right, answer })
    const created = (all: Map<string, Json>) => (body: string) => {
      const object = decode(body)
      const name = String(at(object, "metadata")["name"])
      if (all.has(name)) throw new Refused(409, "AlreadyExists", `"${name}" already exists`)
      all.set(name, object)
      return object
    }
    const [, namespace = "", rest] = /^\/api\/v1\/namespaces(?:\/([^/]+)(?:\/(.*))?)?$/.exec(pathname) ?? []
    if (pathname.startsWith("/apis/userspace-cni.io/v1alpha1/userspacenodes/")) step()
    if (pathname === "/api/v1/namespaces") return other("create namespaces", created(namespaces))
    if (namespace !== "" && rest === undefined) {
      if (method === "GET") return other("get namespaces", () => found(namespaces.get(namespace)))
      return other("delete namespaces", () => {
        const object = found(namespaces.get(namespace))
        namespaces.delete(namespace)
        networks.clear()
        return object
      })
    }
    if (rest === "serviceaccounts/default") {
      return other("get serviceaccounts", () => found(configured.accountIn-- > 0 ? undefined : {}))
    }
    if (rest === "events") {
      const message = `plugin failed of ${searchParams.get("fieldSelector")}`
      return other("list events", () => ({ items: [{ type: "Warning", reason: "FailedCreatePodSandBox", message }] }))
    }
    const ofNetworks = /^\/apis\/k8s.cni.cncf.io\/v1\/namespaces\/[^/]+\/network-attachment-definitions(?:\/(.+))?$/
    const [isOfNetworks, network = ""] = ofNetworks.exec(pathname) ?? []
    if (isOfNetworks !== undefined) {
      if (network === "" && method === "GET") {
        return other("list network-attachment-definitions", () => ({ items: [...networks.values()] }))
      }
      if (network === "") return other("create network-attachment-definitions", created(networks))
      return other("delete network-attachment-definitions", () => {
        const object = found(networks.get(network))
        networks.delete(network)
        return object
      })
    }
    if (rest === "pods" && method === "GET") {
      return other("list pods", () => {
        step()
        return { items: [...pods.values()].map(shown) }
      })
    }
    if (rest === "pods") {
      return other("create pods", (body) => {
        const { metadata, spec } = Schema.decodeUnknownSync(Schema.fromJsonString(Made))(body)
        const ofPod = networksOf(metadata.annotations)
        // As Multus: an unknown network is an error of the ADD.
        for (const name of ofPod) assert.isTrue(networks.has(name), `no network ${name}`)
        pods.set(metadata.name, {
          name: metadata.name,
          networks: ofPod,
          spec,
          age: 0,
          leaving: undefined
        })
        return {}
      })
    }
    const [, pod] = /^pods\/(.+)$/.exec(rest ?? "") ?? []
    if (pod === undefined || method !== "DELETE") return undefined
    return other("delete pods", () => {
      const one = found(pods.get(pod))
      for (const name of one.networks) assert.isTrue(networks.has(name), `no network ${name} at DEL`)
      one.leaving ??= 0
      if (searchParams.get("gracePeriodSeconds") === "0") {
        pods.delete(pod)
        forgotten.add(one)
      }
      return {}
    })
  }

  const server = yield* apiServer({ others })
  server.tokens.set("letmein", "me")
  server.roles.set("me", rights)
  node.files.put(kubeconfig, "file", kubeconfigText({ server: server.url, token: "letmein" }), 0o600)
  write()

  let readings = 0
  /** Metrics are of no server here. */
  const { count, layer } = countedHttps(({ url }) => {
    const { metrics } = configured
    return url === "http://192.0.2.1:9464/metrics" && metrics !== undefined
      ? Effect.sync(() => ({ status: 200, retryAfter: undefined, body: metrics(readings++) }))
      : undefined
  })
  const edges = Layer.merge(node.edges, layer)

  /** Lets time pass whenever nothing else happens, until it has ended. */
  const drive = <A, E>(fiber: Fiber.Fiber<A, E>) =>
    Effect.gen(function* () {
      const deadline = performance.now() + 60_000
      let quiet = 0
      while (fiber.pollUnsafe() === undefined) {
        if (performance.now() > deadline) assert.fail("it does not end")
        yield* turn
        quiet = count.running === 0 ? quiet + 1 : 0
        if (quiet > 5) {
          quiet = 0
          yield* TestClock.adjust("250 millis")
        }
      }
      return yield* Fiber.join(fiber)
    })

  return {
    server,
    namespaces,
    networks,
    pods,
    attached,
    configured,
    edges,
    write,
    drive,
    verify: (...args: ReadonlyArray<string>) =>
      Effect.flatMap(
        Effect.forkChild(type({ edges }, ["verify", "--kubeconfig", kubeconfig, "--pods", "3", ...args])),
        drive
      )
  }
})
