/**
 * What one port is in the database: its names and rows, from the request, and the marks in `external_ids`, which Open
 * vSwitch stores but does not interpret (ovs-vswitchd.conf.db(5), "Common Columns"). The mark decides who owns a port;
 * names and records do not. Pure.
 */
import { sha256 } from "#sha256"
import type { OvsVhostPort } from "../../cni/network/HostPort.ts"
import { type Attachment, type Identity, keyOf, portName } from "../../identity/Attachment.ts"
import type { Owned, PortRequest } from "../../vswitch/Vswitch.ts"
import { map, type Row, set } from "./OvsdbMessages.ts"

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

type InterfaceType = "dpdkvhostuserclient" | "dpdkvhostuser"

export interface PortPlan {
  readonly bridge: string
  readonly name: string
  readonly type: InterfaceType
  /** The path to which OVS connects (client), or that it creates (server). */
  readonly socket: string
  /** The first selects this attachment's port, the second only that of this ADD. */
  readonly mark: ExternalIds
  readonly invocationMark: ExternalIds
  /** Columns besides `name` and `external_ids`; defaults are left out. */
  readonly interface: Row
  readonly port: Row
  readonly interfaceIds: ExternalIds
  readonly portIds: ExternalIds
  /** Cookie of the port's own flow, on a bridge that needs one. */
  readonly cookie: bigint
  readonly wanted: OvsVhostPort
}

/** 64 bits unique to the attachment, so that the flow can be removed when the port number is unknown. */
export const cookieOf = (attachment: Identity): bigint => sha256(`flow\0${keyOf(attachment)}`).readBigUInt64BE() >> 1n

export const serverSocket = (port: Pick<OvsVhostPort, "ovsSocketDir">, name: string): string =>
  `${port.ovsSocketDir}/${name}`

interface Vlans {
  readonly tag: number | undefined
  readonly trunks: ReadonlyArray<number>
  readonly vlan_mode: string | undefined
}

/** The columns of a Port for its VLANs; defaults are left out. */
export const vlans = ({ tag, trunks, vlan_mode }: Vlans): Row => ({
  ...(tag === undefined ? {} : { tag }),
  ...(trunks.length === 0 ? {} : { trunks: set(trunks) }),
  ...(vlan_mode === undefined ? {} : { vlan_mode })
})

export const portPlan = (request: Omit<PortRequest, "port">, port: OvsVhostPort): PortPlan => {
  const { attachment, invocation } = request
  const name = portName(attachment)
  const client = port.mode === "client"
  const socket = client ? request.socketPath : serverSocket(port, name)
  const mark = portMark(attachment, invocation, request.socketPath)
  const options = {
    ...(client ? { "vhost-server-path": socket } : {}),
    ...(port.queues === undefined ? {} : { n_rxq: String(port.queues) })
  }
  return {
    bridge: port.bridge,
    name,
    type: client ? "dpdkvhostuserclient" : "dpdkvhostuser",
    socket,
    mark: selector(attachment),
    invocationMark: selector(attachment, invocation),
    interface: {
      type: client ? "dpdkvhostuserclient" : "dpdkvhostuser",
      ...(Object.keys(options).length === 0 ? {} : { options: map(options) }),
      ...(port.mtu === undefined ? {} : { mtu_request: port.mtu }),
      ...(port.ingressPolicingRate === 0 ? {} : { ingress_policing_rate: port.ingressPolicingRate }),
      ...(port.ingressPolicingBurst === 0 ? {} : { ingress_policing_burst: port.ingressPolicingBurst })
    },
    port: vlans({ tag: port.vlan, trunks: port.trunks, vlan_mode: port.vlanMode }),
    interfaceIds: {
      ...mark,
      // OVN binds the logical port of this name (Open vSwitch, Documentation/topics/integration.rst).
      ...(port.ovnPort === undefined ? {} : { "iface-id": port.ovnPort, "attached-mac": request.mac })
    },
    portIds: mark,
    cookie: cookieOf(attachment),
    wanted: port
  }
}
