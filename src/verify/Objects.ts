/**
 * What `verify` makes: the namespace, networks, pods. Everything has one label, so that what an earlier run left is known.
 * Pure.
 */
import type { Status } from "../kubernetes/UserspaceNode.ts"

export const label = "userspace-cni.io/verify"

export const ownNamespace = "userspace-verify"

/** Of networks, by which the objects of nodes name attachments. */
const prefix = "userspace-verify-"

export const isOurs = (network: string): boolean => network.startsWith(prefix)

/** A bridge that nobody else has: the plugin makes it for the first port, and removes it with the last. */
export const ownBridge = "us-verify"

/** The same on VPP: a bridge domain far from those that people count from 1. */
const ownDomain = "15790042"

export const namespaceObject = (name: string): object => ({
  apiVersion: "v1",
  kind: "Namespace",
  // Whoever may make pods in it shall not reach the node with them.
  metadata: { name, labels: { [label]: "true", "pod-security.kubernetes.io/enforce": "baseline" } }
})

export interface Network {
  readonly name: string
  readonly config: object
  /** A resource that its pods ask for. */
  readonly resource?: string
}

export const networkObject = ({ config, name, resource }: Network): object => ({
  apiVersion: "k8s.cni.cncf.io/v1",
  kind: "NetworkAttachmentDefinition",
  metadata: {
    name,
    labels: { [label]: "true" },
    ...(resource === undefined ? {} : { annotations: { "k8s.v1.cni.cncf.io/resourceName": resource } })
  },
  spec: { config: JSON.stringify(config) }
})

type Switch = Status["switches"][number]

/** Of an application without root: nobody's. */
export const otherUser = 65_534

/** No IPAM: no plugin beside this one has to be there, and no address is taken. */
export const networkOn = (
  suffix: string,
  { control, engine }: Switch,
  { bridge, group, resource }: { readonly bridge?: string; readonly group?: number; readonly resource?: string } = {}
): Network => {
  const name = `${prefix}${suffix}`
  const base = { cniVersion: "1.0.0", type: "userspace", name }
  const memif = (role: string) => ({ role, mode: "ethernet" })
  const config = {
    ...base,
    ...(resource === undefined
      ? { kubeconfig: "/etc/cni/net.d/userspace.kubeconfig" }
      : { resourceName: resource, capabilities: { CNIDeviceInfoFile: true, deviceID: true } }),
    ...(engine === "vpp"
      ? {
          host: {
            engine,
            socket: control,
            iftype: "memif",
            netType: "bridge",
            memif: memif("master"),
            ...(group === undefined ? {} : { vhost: { group: String(group) } }),
            bridge: { bridgeName: bridge ?? ownDomain }
          },
          container: { engine, iftype: "memif", netType: "interface", memif: memif("slave") }
        }
      : {
          host: {
            engine,
            socket: control,
            iftype: "vhostuser",
            netType: "bridge",
            vhost: { mode: "client", ...(group === undefined ? {} : { group: String(group) }) },
            bridge: { bridgeName: bridge ?? ownBridge }
          }
        })
  }
  return resource === undefined ? { name, config } : { name, config, resource }
}

/** A network of the plugin `bridge`, to compare with. */
export const kernelBridge = (index: number): Network => {
  const name = `${prefix}kernel-${index}`
  return { name, config: { cniVersion: "1.0.0", type: "bridge", name, bridge: kernelBridgeName(index), ipam: {} } }
}
export const kernelBridgeName = (index: number): string => `us-verify-k${index}`

export interface Pod {
  readonly name: string
  readonly node: string
  readonly image: string
  readonly networks: ReadonlyArray<Network>
  readonly user?: number
  /** A first container waits for the interfaces, and says what is missing. */
  readonly waits: boolean
}

const confined = (user: number | undefined) => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
  ...(user === undefined ? {} : { runAsUser: user, runAsGroup: user, runAsNonRoot: true })
})

/** For a directory of a device, kubelet mounts it by itself; else the pod has the volume. */
export const podObject = ({ image, name, networks, node, user, waits }: Pod): object => {
  const devices = networks.flatMap(({ resource }) => resource ?? [])
  const hasVolume = networks.length > devices.length
  const container = {
    image,
    imagePullPolicy: "IfNotPresent",
    securityContext: confined(user),
    ...(devices.length === 0
      ? {}
      : {
          resources: {
            limits: Object.fromEntries(
              [...Map.groupBy(devices, (one) => one)].map(([one, { length }]) => [one, length] as const)
            )
          }
        }),
    volumeMounts: [
      ...(hasVolume ? [{ name: "shared-dir", mountPath: "/var/lib/cni/usrspcni" }] : []),
      { name: "podinfo", mountPath: "/etc/podinfo" }
    ]
  }
  const wait = {
    ...container,
    name: "wait",
    args: ["container", "wait", "--count", String(networks.length), "--timeout", "90s"],
    terminationMessagePolicy: "FallbackToLogsOnError"
  }
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: { [label]: "true" },
      ...(networks.length === 0
        ? {}
        : { annotations: { "k8s.v1.cni.cncf.io/networks": networks.map((one) => one.name).join(",") } })
    },
    spec: {
      // By the scheduler, as every pod, and to this node only.
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }]
          }
        }
      },
      tolerations: [{ operator: "Exists" }],
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(waits ? { initContainers: [wait] } : {}),
      // The image has no shell: it waits for an interface that does not come.
      containers: [
        { ...container, name: "stay", args: ["container", "wait", "--interfaces", "none", "--timeout", "1h"] }
      ],
      volumes: [
        ...(hasVolume ? [{ name: "shared-dir", emptyDir: {} }] : []),
        {
          name: "podinfo",
          downwardAPI: { items: [{ path: "annotations", fieldRef: { fieldPath: "metadata.annotations" } }] }
        }
      ]
    }
  }
}
