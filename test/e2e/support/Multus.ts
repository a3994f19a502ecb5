/**
 * Calls as Multus makes them for a network of a pod's annotation: its order of CNI_ARGS followed by the runtime's own,
 * and on stdin the NetworkAttachmentDefinition with sorted keys, `args.cni`, `runtimeConfig` for the network's
 * capabilities, and ADD's result. Multus 4.3: pkg/types/conf.go, pkg/multus/multus.go; libcni: api.go.
 */
import type { Pod } from "../../../src/identity/Attachment.ts"
import type { Sandbox } from "./CniNode.ts"

/** One element of `k8s.v1.cni.cncf.io/networks`. */
export interface Selection {
  readonly mac?: string
  readonly ips?: ReadonlyArray<string>
  readonly deviceID?: string
  readonly bandwidth?: object
  readonly cniArgs?: object
}

export const cniArgs = ({ containerId }: Sandbox, { name, namespace, uid }: Pod): string => {
  const pod = [
    `K8S_POD_NAMESPACE=${namespace}`,
    `K8S_POD_NAME=${name}`,
    `K8S_POD_INFRA_CONTAINER_ID=${containerId}`,
    `K8S_POD_UID=${uid}`
  ]
  return ["IgnoreUnknown=true", ...pod, "IgnoreUnknown=1", ...pod].join(";")
}

/** Path of the device information: only for an attachment with a deviceID. */
export const deviceInfoFile = (directory: string, { name }: Definition, { containerId, ifName }: Sandbox): string =>
  `${directory}/default-${name}-${containerId}_${ifName}`

interface Definition {
  readonly name: string
  readonly capabilities?: Readonly<Record<string, boolean>>
}

export const stdin = (
  definition: Definition,
  { bandwidth, cniArgs: cni, deviceID, ips, mac }: Selection,
  file: string | undefined,
  prevResult?: unknown
): string => {
  const wanted = { CNIDeviceInfoFile: deviceID === undefined ? undefined : file, bandwidth, deviceID, ips, mac }
  const declared = definition.capabilities ?? {}
  const runtimeConfig = Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) => value !== undefined && declared[key] === true)
  )
  const whole = {
    ...definition,
    ...(cni === undefined ? {} : { args: { cni } }),
    ...(prevResult === undefined ? {} : { prevResult }),
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig })
  }
  return JSON.stringify(Object.fromEntries(Object.entries(whole).sort(([a], [b]) => (a < b ? -1 : 1))))
}
