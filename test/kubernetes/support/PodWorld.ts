/** A node in memory whose network has a kubeconfig: a cluster in memory beside it, with one pod that has a volume. */
import { Layer, Option } from "effect"
import * as FileHandover from "../../../src/attachment/FileHandover.ts"
import type { Choices } from "../../../src/attachment/Verbs.ts"
import { elementsOf } from "../../../src/kubernetes/ConfigurationData.ts"
import { over } from "../../../src/kubernetes/PodHandover.ts"
import { MemoryPods, layer as podsLayer } from "../../../src/kubernetes/PodsMemory.ts"
import { network } from "../../attachment/support/Networks.ts"
import { type Asked, World } from "../../attachment/support/World.ts"
import { at, encode } from "./PodStore.ts"
import { podJson, type Shape } from "./TestPod.ts"

export const uid = "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d"
export const volume = "/pods/web/shared"
export const emptyDir = `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/shared-dir`
export const deviceInfoFile = "/var/run/k8s.cni.cncf.io/devinfo/cni/web.json"

const { sharedDir: _, ...inPod } = network

/** With all that a pod can be told, and Multus. */
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

export class PodWorld extends World {
  readonly cluster = new MemoryPods()

  override handover: Choices["handover"] = (attachment, { netConf: { kubeconfig = "", sharedDir } }) =>
    attachment.pod === undefined
      ? FileHandover.layer(attachment)
      : Layer.provide(
          over({ attachment, pod: attachment.pod, origin: { kubeconfig }, sharedDir }),
          podsLayer(this.cluster)
        )

  constructor(shape: Shape = {}) {
    super()
    this.files.put(volume, "directory", "", 0o777)
    this.pod({ annotations: { color: "blue" }, volumes: [hostPath(volume, "DirectoryOrCreate")], ...shape })
  }

  /** As its author would change it. */
  pod(shape: Shape): void {
    const json = podJson({ uid, ...shape })
    const metadata = { ...at(json, "metadata"), name: "web", namespace: "default", resourceVersion: "" }
    this.cluster.put("default", "web", encode({ kind: "Pod", ...json, metadata }))
  }

  annotations(): Readonly<Record<string, string>> {
    return Option.getOrThrow(this.cluster.get({ namespace: "default", name: "web" })).annotations
  }

  /** What the pod's containers are told. */
  elements(): ReadonlyArray<unknown> | undefined {
    return elementsOf(this.annotations())
  }

  override dump(): ReadonlyArray<string> {
    return [...super.dump(), ...this.cluster.dump()]
  }
}
