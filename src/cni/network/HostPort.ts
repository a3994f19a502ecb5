/**
 * The switch's end of the port, after all defaults. There is one shape for each valid combination, so that later code
 * need not check whether values fit together. Pure data.
 */

interface Common {
  /** Control socket of the switch: of OVSDB, or of VPP's API. */
  readonly control: string
  /** In bytes; undefined leaves the switch's default. */
  readonly mtu: number | undefined
  /** The MAC address requested for the container's end; undefined: derived. */
  readonly mac: string | undefined
  /** File name of the socket when the configuration fixes it (`socketfile`). */
  readonly socketFile: string | undefined
  /** Group (name or number) that may use the socket and its directory (`vhost.group`). */
  readonly group: string | undefined
}

/** Who creates the vhost-user socket: a `client` switch connects to the application's, a `server` switch creates it. */
type VhostMode = "client" | "server"

type VlanMode = "access" | "trunk" | "native-tagged" | "native-untagged" | "dot1q-tunnel"

export interface OvsVhostPort extends Common {
  readonly engine: "ovs-dpdk"
  readonly iftype: "vhostuser"
  /** `bridge`: L2 learning, whatever the bridge's fail mode. `none`: a controller adds the flows. */
  readonly netType: "bridge" | "none"
  readonly mode: VhostMode
  /** Directory in which OVS creates server-mode sockets. */
  readonly ovsSocketDir: string
  readonly bridge: string
  /** 1 to 4094: access VLAN, or native VLAN of a trunk. */
  readonly vlan: number | undefined
  readonly trunks: ReadonlyArray<number>
  readonly vlanMode: VlanMode | undefined
  /** kbit/s, and kbit; 0: no limit (ovs-vswitchd.conf.db(5), ingress_policing_rate). */
  readonly ingressPolicingRate: number
  readonly ingressPolicingBurst: number
  /** options:n_rxq of the interface; undefined leaves it to vhost-user's negotiation. */
  readonly queues: number | undefined
  /** external_ids:iface-id for OVN. */
  readonly ovnPort: string | undefined
}

export type VppNetwork =
  | { readonly netType: "none" }
  | { readonly netType: "interface" }
  | { readonly netType: "bridge"; readonly bridgeDomain: number; readonly vlan: number | undefined }

/** A limit of what a pod may send or receive: a policer on VPP. */
export interface Limit {
  /** From VPP's view: `input` is what the container sends. */
  readonly direction: "input" | "output"
  /** kbit/s, not 0. */
  readonly rate: number
  /** Bytes, not 0. */
  readonly burst: number
}

interface VppCommon extends Common {
  readonly engine: "vpp"
  readonly network: VppNetwork
  /** At most one for each direction. */
  readonly limits: ReadonlyArray<Limit>
}

export interface VppMemifPort extends VppCommon {
  readonly iftype: "memif"
  readonly role: "master" | "slave"
  readonly mode: "ethernet" | "ip"
  readonly abstract: boolean
  readonly rxQueues: number | undefined
  readonly txQueues: number | undefined
  /** A power of two. */
  readonly ringSize: number | undefined
  readonly bufferSize: number | undefined
  readonly secret: string | undefined
  readonly noZeroCopy: boolean
  readonly useDma: boolean
}

export interface VppVhostPort extends VppCommon {
  readonly iftype: "vhostuser"
  readonly mode: VhostMode
  readonly enableGso: boolean
  readonly enablePacked: boolean
  readonly enableEventIdx: boolean
}

export type VppPort = VppMemifPort | VppVhostPort
export type HostPort = OvsVhostPort | VppPort
export type Engine = HostPort["engine"]

/** A switch of the node: the information needed to query it. */
export type Control = Pick<HostPort, "engine" | "control">
