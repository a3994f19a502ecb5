/** A pod as its author and the API server leave it at ADD, with every kind of number. */
import type { Json } from "./PodStore.ts"

const sharedVolume = { name: "shared-dir", emptyDir: {} }
const sharedMount = { name: "shared-dir", mountPath: "/run/shared" }

export interface Shape {
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly uid?: string
  readonly volumes?: ReadonlyArray<unknown>
  readonly mounts?: ReadonlyArray<unknown>
  /** Of a container that runs beside the others. */
  readonly sidecarMounts?: ReadonlyArray<unknown>
  /** A sidecar; any other value is of a container that runs before the others. */
  readonly sidecarPolicy?: string
}

export const podJson = ({
  annotations,
  mounts = [sharedMount],
  sidecarMounts,
  sidecarPolicy = "Always",
  uid,
  volumes = [sharedVolume]
}: Shape = {}): Json => ({
  metadata: {
    ...(uid === undefined ? {} : { uid }),
    ...(annotations === undefined ? {} : { annotations }),
    labels: { app: "test" },
    managedFields: [{ manager: "kubectl", operation: "Update", fieldsV1: { "f:metadata": {} } }]
  },
  spec: {
    volumes,
    ...(sidecarMounts === undefined
      ? {}
      : { initContainers: [{ name: "sidecar", restartPolicy: sidecarPolicy, volumeMounts: sidecarMounts }] }),
    containers: [
      { name: "app", image: "registry.example/app:1", volumeMounts: mounts, securityContext: { runAsUser: 1n } }
    ],
    nodeSelector: { "userspace-cni/test": "nowhere" },
    tolerations: [{ key: "k", operator: "Exists", effect: "NoExecute", tolerationSeconds: 9223372036854775807n }],
    terminationGracePeriodSeconds: 0n
  }
})
