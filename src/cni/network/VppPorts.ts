/**
 * The port on VPP, from the configuration: defaults, what cannot work together, and drawbacks of what works. Pure.
 */
import type { HostPort, Limit, VppNetwork, VppPort } from "./HostPort.ts"
import type { Host, NetConf } from "./NetConf.ts"

/** What `HostPorts.ts` has read, whatever the switch. */
interface Question {
  readonly conf: NetConf
  readonly host: Host
  readonly refuse: (path: string, value: unknown, why: string) => void
  readonly common: Pick<VppPort, "control" | "mtu" | "mac" | "group">
  /** A limit that the pod requests, in units of `unit` bits; 0: none. */
  readonly bandwidth: (name: string, unit: number) => number
}

export const vppPort = (asked: Question): VppPort => {
  const { host, refuse } = asked
  const shared = {
    ...asked.common,
    engine: "vpp",
    network: vppNetwork(asked),
    limits: limits(asked)
  } as const
  const { memif, vhost } = host
  if (host.iftype === "vhostuser") {
    return {
      ...shared,
      iftype: "vhostuser",
      mode: vhost?.mode ?? "server",
      socketFile: vhost?.socketfile,
      enableGso: vhost?.enableGso ?? false,
      enablePacked: vhost?.enablePacked ?? false,
      enableEventIdx: vhost?.enableEventIdx ?? false
    }
  }
  const role = memif?.role ?? "slave"
  if (memif?.role === undefined) refuse("host.memif.role", undefined, "is not master or slave")
  for (const [end, mode] of [
    ["host", memif?.mode],
    ["container", asked.conf.container?.memif?.mode]
  ] as const) {
    if (mode === "inject-punt")
      refuse(`${end}.memif.mode`, mode, "is not ethernet or ip (VPP crashes when it is asked for such an interface)")
  }
  if (memif?.mode === "ip" && host.netType === "bridge")
    refuse("host.memif.mode", "ip", "is not ethernet, which a bridge domain needs")
  return {
    ...shared,
    iftype: "memif",
    socketFile: memif?.socketfile,
    role,
    mode: memif?.mode === "ip" ? "ip" : "ethernet",
    abstract: memif?.socket === "abstract",
    rxQueues: memif?.rxQueues,
    txQueues: memif?.txQueues,
    ringSize: memif?.ringSize,
    bufferSize: memif?.bufferSize,
    secret: memif?.secret,
    // A slave that shares its buffers shares the packets of every port of VPP.
    noZeroCopy: memif?.noZeroCopy ?? role === "slave",
    useDma: memif?.useDma ?? false
  }
}

/** A bridge domain is a 24-bit number; 0 is VPP's default and cannot be changed. */
const vppNetwork = ({ host, refuse }: Question): VppNetwork => {
  const { bridgeId, bridgeName, vlanId } = host.bridge ?? {}
  if (host.netType !== "bridge") {
    if (vlanId !== undefined)
      refuse("host.bridge.vlanId", vlanId, "needs netType bridge (VPP has VLANs in bridge domains)")
    return { netType: host.netType === "interface" ? "interface" : "none" }
  }
  const written = bridgeName ?? bridgeId
  const bridgeDomain = /^\d{1,8}$/.test(String(written ?? "")) ? Number(written) : 0
  const key = bridgeName === undefined && bridgeId !== undefined ? "host.bridge.bridgeId" : "host.bridge.bridgeName"
  if (bridgeDomain < 1 || bridgeDomain > 16777215)
    refuse(key, written, "is not the number of a bridge domain, 1 to 16777215")
  else if (vlanId !== undefined && bridgeDomain > lastWithVlans)
    refuse(
      key,
      written,
      `is not from 1 to ${lastWithVlans}, as vlanId needs (VLAN ${vlanId} of bridge N is VPP's bridge domain N * 4096 + ${vlanId}): give the bridge a lower number`
    )
  return { netType: "bridge", bridgeDomain, vlan: vlanId }
}

/** VLAN 4094 of this bridge has the highest bridge domain number of VPP. */
const lastWithVlans = 4095

/** In bytes. VPP has no default burst and passes nothing without one; this is the default of Open vSwitch. */
const usualBurst = 1_000_000

const directions = [
  ["input", "egress"],
  ["output", "ingress"]
] as const

/** The limits on VPP. Whether a VPP supports them is determined when it is queried. */
const limits = ({ bandwidth }: Question): ReadonlyArray<Limit> =>
  directions.flatMap(([direction, name]) => {
    const rate = bandwidth(`${name}Rate`, 1000)
    return rate === 0 ? [] : [{ direction, rate, burst: bandwidth(`${name}Burst`, 8) || usualBurst }]
  })

/** Warns about keys that only Open vSwitch has. They are not refused, because earlier plugins ignored them as well. */
export const foreign = ({ bridge, engine, vhost }: Host): ReadonlyArray<string> => {
  if (engine !== "vpp") return []
  const given = {
    "bridge.trunks": bridge?.trunks,
    "bridge.vlanMode": bridge?.vlanMode,
    "vhost.queues": vhost?.queues,
    "vhost.ingressPolicingRate": vhost?.ingressPolicingRate || undefined
  }
  return Object.entries(given).flatMap(([key, value]) =>
    value === undefined ? [] : [`host.${key} has no effect on vpp: only ovs-dpdk supports it`]
  )
}

/** app-netutil cuts every annotation at its second `=`, and then finds no interface at all. */
export const unreadable = (port: HostPort, { container }: NetConf): ReadonlyArray<string> =>
  port.iftype === "memif" && (container?.memif?.secret ?? port.secret ?? "").includes("=")
    ? [
        "the memif secret contains `=`: applications that use app-netutil cannot parse the pod's annotations, and " +
          "find no interface. Choose a secret without `=`."
      ]
    : []
