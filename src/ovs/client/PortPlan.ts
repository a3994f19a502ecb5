/** Derives the database rows of one port, and its names, from the request. Pure. */

import type { OvsVhostPort } from "../../cni/network/HostPort.ts"
import { portName } from "../../identity/Attachment.ts"
import type { PortRequest } from "../../vswitch/Vswitch.ts"
import { cookieOf } from "./Flows.ts"
import * as Marks from "./Marks.ts"
import { map, type Row, set } from "./Notation.ts"

type InterfaceType = "dpdkvhostuserclient" | "dpdkvhostuser"

export interface PortPlan {
  readonly bridge: string
  readonly name: string
  readonly type: InterfaceType
  /** The path to which OVS connects (client), or that it creates (server). */
  readonly socket: string
  /** The first selects this attachment's port, the second only that of this ADD. */
  readonly mark: Marks.ExternalIds
  readonly invocationMark: Marks.ExternalIds
  /** Columns besides `name` and `external_ids`; defaults are left out. */
  readonly interface: Row
  readonly port: Row
  readonly interfaceIds: Marks.ExternalIds
  readonly portIds: Marks.ExternalIds
  /** Cookie of the port's own flow, on a bridge that needs one. */
  readonly cookie: bigint
  readonly wanted: OvsVhostPort
}

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
  const mark = Marks.portMark(attachment, invocation, request.socketPath)
  const options = {
    ...(client ? { "vhost-server-path": socket } : {}),
    ...(port.queues === undefined ? {} : { n_rxq: String(port.queues) })
  }
  return {
    bridge: port.bridge,
    name,
    type: client ? "dpdkvhostuserclient" : "dpdkvhostuser",
    socket,
    mark: Marks.selector(attachment),
    invocationMark: Marks.selector(attachment, invocation),
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
