/** A node in memory whose network has a kubeconfig, and a cluster in memory with one pod that has a volume. */
import { Effect, Option } from "effect"
import { elementsOf } from "../../../src/kubernetes/PodAnnotations.ts"
import { readPod, wholeWith } from "../../../src/kubernetes/PodDocument.ts"
import { Https, type HttpsRequest, type HttpsResponse } from "../../../src/platform/Https.ts"
import { network } from "../../attachment/support/Networks.ts"
import { type Asked, World } from "../../attachment/support/World.ts"
import { at, encode } from "./PodStore.ts"
import { MemoryPods } from "./PodsMemory.ts"
import { podJson, type Shape } from "./TestPod.ts"

export const uid = "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d"
export const volume = "/pods/web/shared"
export const emptyDir = `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/shared-dir`
export const deviceInfoFile = "/var/run/k8s.cni.cncf.io/devinfo/cni/web.json"

const { sharedDir: _, ...inPod } = network

/** With all parts of a container config, and Multus. */
export const conf = {
  ...inPod,
  kubeconfig: "/etc/kubeconfig",
  capabilities: { CNIDeviceInfoFile: true },
  runtimeConfig: { CNIDeviceInfoFile: deviceInfoFile }
}

export const asked: Asked = {
  conf,
  args: `IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_UID=${uid}`
}

export const hostPath = (path: string, type?: string) => ({
  name: "shared-dir",
  hostPath: { path, ...(type === undefined ? {} : { type }) }
})

const kubeconfig = JSON.stringify({
  "current-context": "plugin",
  contexts: [{ name: "plugin", context: { cluster: "memory", user: "plugin" } }],
  clusters: [{ name: "memory", cluster: { server: "https://memory:6443" } }],
  users: [{ name: "plugin", user: { token: "a-token-of-tests" } }]
})

export class PodWorld extends World {
  readonly cluster = new MemoryPods()

  override https = Https.of({ send: (request) => Effect.sync(() => answer(this.cluster, request)) })

  constructor(shape: Shape = {}) {
    super()
    this.files.put("/etc/kubeconfig", "file", kubeconfig)
    this.files.put(volume, "directory", "", 0o777)
    this.pod({ annotations: { color: "blue" }, volumes: [hostPath(volume, "DirectoryOrCreate")], ...shape })
  }

  /** A change by its author. */
  pod(shape: Shape): void {
    const json = podJson({ uid, ...shape })
    const metadata = { ...at(json, "metadata"), name: "web", namespace: "default", resourceVersion: "" }
    this.cluster.put("default", "web", encode({ kind: "Pod", ...json, metadata }))
  }

  annotations(): Readonly<Record<string, string>> {
    return Option.getOrThrow(this.cluster.get({ namespace: "default", name: "web" })).annotations
  }

  /** The annotations for the pod's containers. */
  elements(): ReadonlyArray<unknown> | undefined {
    return elementsOf(this.annotations())
  }

  override dump(): ReadonlyArray<string> {
    return [...super.dump(), ...this.cluster.dump()]
  }
}

/** Answers of an API server whose pods may be updated; `test/kubernetes/support/ApiServer.ts` is a complete one. */
const answer = (cluster: MemoryPods, { body = "", method, url }: HttpsRequest): HttpsResponse => {
  const [, namespace = "", name = ""] = /\/namespaces\/([^/]+)\/pods\/([^/]+)/.exec(url) ?? []
  const told = (status: number, body: string): HttpsResponse => ({ status, retryAfter: undefined, body })
  const pod = cluster.get({ namespace, name })
  if (Option.isNone(pod)) return told(404, "{}")
  if (method === "GET") return told(200, wholeWith(pod.value, {}))
  if (method !== "PUT") return told(403, "{}")
  const written = Option.getOrThrow(readPod(body))
  if (written.resourceVersion !== pod.value.resourceVersion) return told(409, "{}")
  cluster.put(namespace, name, body)
  return told(200, wholeWith(Option.getOrThrow(cluster.get({ namespace, name })), {}))
}
