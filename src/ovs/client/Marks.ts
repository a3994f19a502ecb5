/**
 * The plugin's marks in `external_ids`, which Open vSwitch stores but does not interpret (ovs-vswitchd.conf.db(5),
 * "Common Columns"). The mark decides who owns a port; names and records do not. Pure.
 */
import type { Attachment, Identity } from "../../identity/Attachment.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"

/** Version of this set of keys. On a bridge it is the only key, and means "created by the plugin". */
export const formatKey = "userspace-cni"
export const format = "1"

const networkKey = "userspace-cni-network"
const containerKey = "userspace-cni-container"
const ifNameKey = "userspace-cni-ifname"
const invocationKey = "userspace-cni-invocation"
const socketKey = "userspace-cni-socket"
/** On the Port: the cookie of its own flow, if its bridge needs one. */
const flowKey = "userspace-cni-flow"
const podKey = "userspace-cni-pod"
const podUidKey = "userspace-cni-pod-uid"

export type ExternalIds = Readonly<Record<string, string>>

export const bridgeMark: ExternalIds = { [formatKey]: format }

/** Selects the ports of one attachment; with an invocation, only those of that ADD. */
export const selector = (attachment: Identity, invocation?: string | undefined): ExternalIds => ({
  [formatKey]: format,
  [networkKey]: attachment.network,
  [containerKey]: attachment.containerId,
  [ifNameKey]: attachment.ifName,
  ...(invocation === undefined ? {} : { [invocationKey]: invocation })
})

/** Selects the ports of one network, or all ports of the plugin. */
export const ofNetwork = (network: string | undefined): ExternalIds =>
  network === undefined ? { [formatKey]: format } : { [formatKey]: format, [networkKey]: network }

/** The marks of Port and Interface. */
export const portMark = (attachment: Attachment, invocation: string, socket: string): ExternalIds => ({
  ...selector(attachment, invocation),
  [socketKey]: socket,
  ...(attachment.pod === undefined
    ? {}
    : {
        [podKey]: `${attachment.pod.namespace}/${attachment.pod.name}`,
        [podUidKey]: attachment.pod.uid
      })
})

export const flowMark = (cookie: bigint): ExternalIds => ({ [flowKey]: `0x${cookie.toString(16)}` })

export const flowOf = (ids: ExternalIds): bigint | undefined =>
  /^0x[0-9a-f]{1,16}$/.test(ids[flowKey] ?? "") ? BigInt(ids[flowKey] ?? 0) : undefined

type Owner = Pick<Owned, "network" | "containerId" | "ifName" | "pod" | "socketPath">

/** Parses a mark. An incomplete one is not the plugin's, and gives undefined. */
export const ownerOf = (ids: ExternalIds): Owner | undefined => {
  const { [networkKey]: network, [containerKey]: containerId, [ifNameKey]: ifName } = ids
  if (ids[formatKey] !== format || network === undefined || containerId === undefined || ifName === undefined) {
    return undefined
  }
  const [namespace, name] = (ids[podKey] ?? "").split("/")
  const pod = namespace === undefined || name === undefined ? undefined : { namespace, name, uid: ids[podUidKey] ?? "" }
  return { network, containerId, ifName, pod, socketPath: ids[socketKey] }
}
