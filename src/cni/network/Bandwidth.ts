/**
 * The capability `bandwidth` in a switch's units. The runtime describes it from the container's view: egress is traffic
 * from the container, in bits per second, with a burst in bits. For the switch that is ingress. Pure. CNI conventions
 * (CONVENTIONS.md, "Dynamic Plugin specific fields"); ovs-vswitchd.conf.db(5), ingress_policing_rate.
 */
import type { Limit } from "./HostPort.ts"
import type { NetConf } from "./NetConf.ts"

const most = 4294967295

/** In units of `unit` bits, rounded up; 0: not requested. Keys match in any case: containerd writes `EgressRate`. */
const asked = ({ runtimeConfig }: NetConf, name: string, unit: number): number => {
  const bandwidth = runtimeConfig?.["bandwidth"]
  if (typeof bandwidth !== "object" || bandwidth === null) return 0
  const bits = Object.entries(bandwidth).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return typeof bits === "number" && bits > 0 ? Math.min(Math.ceil(bits / unit), most) : 0
}

const kilobits = (conf: NetConf, name: string): number => asked(conf, name, 1000)

/** The ingress policing of Open vSwitch, in kbit/s and kbit; 0: no limit, and the switch's default. The network's limit holds for every pod; a pod can only have a lower one. */
export const policing = (conf: NetConf) => {
  const { ingressPolicingBurst: burst = 0, ingressPolicingRate: rate = 0 } = conf.host.vhost ?? {}
  const wanted = kilobits(conf, "egressRate")
  return wanted > 0 && (rate === 0 || wanted < rate)
    ? { rate: wanted, burst: kilobits(conf, "egressBurst") }
    : { rate, burst }
}

/** In bytes. VPP has no default burst and passes nothing without one; this is the default of Open vSwitch. */
const usualBurst = 1_000_000

const directions = [
  ["input", "egress"],
  ["output", "ingress"]
] as const

/** The limits on VPP. Whether a VPP supports them is determined when it is queried. */
export const limits = (conf: NetConf): ReadonlyArray<Limit> =>
  directions.flatMap(([direction, name]) => {
    const rate = kilobits(conf, `${name}Rate`)
    return rate === 0 ? [] : [{ direction, rate, burst: asked(conf, `${name}Burst`, 8) || usualBurst }]
  })

/** Warnings for requested limits that are never set, on any switch. */
export const unlimited = (conf: NetConf): ReadonlyArray<string> =>
  conf.host.engine === "ovs-dpdk" && kilobits(conf, "ingressRate") > 0
    ? ["bandwidth of the pod towards the container (ingressRate) is not limited on Open vSwitch"]
    : []
