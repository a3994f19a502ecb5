/**
 * The capability `bandwidth` in a switch's units. The runtime's view is the container's: egress is traffic from the
 * container, in bits per second, its burst in bits. For the switch that is ingress. Pure. CNI conventions
 * (CONVENTIONS.md, "Dynamic Plugin specific fields"); ovs-vswitchd.conf.db(5), ingress_policing_rate.
 */
import type { Limit } from "./HostPort.ts"
import type { NetConf } from "./NetConf.ts"

export interface Policing {
  /** kbit/s; 0: no limit. */
  readonly rate: number
  /** kbit; 0: the switch's own. */
  readonly burst: number
}

const most = 4294967295

/** In units of so many bits, as many as allow no less; 0: not asked for. Keys without case: containerd writes `EgressRate`. */
const asked = ({ runtimeConfig }: NetConf, name: string, unit: number): number => {
  const bandwidth = runtimeConfig?.["bandwidth"]
  if (typeof bandwidth !== "object" || bandwidth === null) return 0
  const bits = Object.entries(bandwidth).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return typeof bits === "number" && bits > 0 ? Math.min(Math.ceil(bits / unit), most) : 0
}

const kilobits = (conf: NetConf, name: string): number => asked(conf, name, 1000)

/** On Open vSwitch. The network's limit holds for every pod; a pod can only be given less. */
export const policing = (conf: NetConf): Policing => {
  const { ingressPolicingBurst: burst = 0, ingressPolicingRate: rate = 0 } = conf.host.vhost ?? {}
  const wanted = kilobits(conf, "egressRate")
  return wanted > 0 && (rate === 0 || wanted < rate)
    ? { rate: wanted, burst: kilobits(conf, "egressBurst") }
    : { rate, burst }
}

/** VPP has no burst of its own and passes nothing without one: as much as Open vSwitch takes then, in bytes. */
const usualBurst = 1_000_000

const directions = [
  ["input", "egress"],
  ["output", "ingress"]
] as const

/** On VPP. What a VPP can keep of them is seen when it is asked. */
export const limits = (conf: NetConf): ReadonlyArray<Limit> =>
  directions.flatMap(([direction, name]) => {
    const rate = kilobits(conf, `${name}Rate`)
    return rate === 0 ? [] : [{ direction, rate, burst: asked(conf, `${name}Burst`, 8) || usualBurst }]
  })

/** Requested limits that are never set, on any switch. */
export const unlimited = (conf: NetConf): ReadonlyArray<string> =>
  conf.host.engine === "ovs-dpdk" && kilobits(conf, "ingressRate") > 0
    ? ["bandwidth of the pod towards the container (ingressRate) is not limited on Open vSwitch"]
    : []
