/**
 * The capability `bandwidth` as a switch counts it. A runtime speaks from the container: egress is what the container
 * sends, in bits per second, its burst in bits. To the switch that is ingress, in kilobits. Pure. CNI conventions
 * (CONVENTIONS.md, "Dynamic Plugin specific fields"); ovs-vswitchd.conf.db(5), ingress_policing_rate.
 */
import type { NetConf } from "./NetConf.ts"

export interface Policing {
  /** kbit/s; 0: no limit. */
  readonly rate: number
  /** kbit; 0: the switch's own. */
  readonly burst: number
}

const most = 4294967295

/** Bits, as kilobits that allow no less. Keys without case: containerd writes `EgressRate`. */
const kilobits = ({ runtimeConfig }: NetConf, name: string): number => {
  const bandwidth = runtimeConfig?.["bandwidth"]
  if (typeof bandwidth !== "object" || bandwidth === null) return 0
  const bits = Object.entries(bandwidth).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return typeof bits === "number" && bits > 0 ? Math.min(Math.ceil(bits / 1000), most) : 0
}

/** The network's limit holds for every pod; a pod can only be given less. */
export const policing = (conf: NetConf): Policing => {
  const { ingressPolicingBurst: burst = 0, ingressPolicingRate: rate = 0 } = conf.host.vhost ?? {}
  const asked = kilobits(conf, "egressRate")
  return asked > 0 && (rate === 0 || asked < rate)
    ? { rate: asked, burst: kilobits(conf, "egressBurst") }
    : { rate, burst }
}

/** What was asked for and is not done. */
export const unlimited = (conf: NetConf): ReadonlyArray<string> => {
  const towards = kilobits(conf, "ingressRate") > 0
  const from = kilobits(conf, "egressRate") > 0
  if (conf.host.engine === "vpp") return towards || from ? ["bandwidth of the pod is not limited on VPP"] : []
  return towards ? ["bandwidth of the pod towards the container (ingressRate) is not limited on Open vSwitch"] : []
}
