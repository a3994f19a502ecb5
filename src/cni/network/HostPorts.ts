/**
 * Derives the port from the configuration: applies defaults and rejects combinations that cannot work, before any
 * change. Defaults are those of the original plugin; each rejection has its reason beside it. Pure.
 */
import { dirname } from "node:path"
import type { CniArgs, Variables } from "../types/Environment.ts"
import { cut, redacted } from "../types/Secrets.ts"
import type { Engine, HostPort, OvsVhostPort } from "./HostPort.ts"
import type { Host, NetConf } from "./NetConf.ts"
import { unicastMac } from "./Validators.ts"
import { foreign, unreadable, vppPort } from "./VppPorts.ts"

/** One problem: `host.iftype: "memif" is not vhostuser (...)`. */
export interface Problem {
  readonly path: string
  readonly message: string
}

/** `warnings`: drawbacks of a configuration that works. */
export const hostPort = (conf: NetConf, args: CniArgs, variables: Variables) => {
  const problems: Array<Problem> = []
  const refuse = (path: string, value: unknown, why: string) =>
    problems.push({ path, message: value === undefined ? "is missing" : `${redacted(path, value)} ${why}` })
  const asked = { conf, host: conf.host, wish: wishes(conf, args), variables, refuse }
  const port =
    conf.host.engine === "ovs-dpdk"
      ? ovsPort(asked)
      : vppPort({ ...asked, common: common(asked), bandwidth: (name, unit) => bandwidth(conf, name, unit) })
  return {
    problems,
    warnings: [
      ...warnings(port),
      ...unreadable(port, conf),
      ...apart(port, conf),
      ...foreign(conf.host),
      ...unlimited(conf),
      ...unused(conf, args)
    ],
    port
  }
}

/** The control socket of a switch when the configuration has none. */
export const defaultControl = (engine: Engine, variables: Variables): string =>
  engine === "vpp" ? "/run/vpp/api.sock" : `${variables["OVS_RUNDIR"] || "/var/run/openvswitch"}/db.sock`

interface Question {
  readonly conf: NetConf
  readonly host: Host
  readonly wish: (name: string) => string | undefined
  readonly variables: Variables
  readonly refuse: (path: string, value: unknown, why: string) => void
}

/** The pod's requests: the runtime's capability, CNI_ARGS, then Multus' cni-args. Keys match in any case. */
const wishes = (conf: NetConf, args: CniArgs) => {
  const own = (from: unknown, name: string): string | undefined => {
    if (typeof from !== "object" || from === null) return undefined
    const found = Object.entries(from).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
    return typeof found === "string" && found !== "" ? found : undefined
  }
  return (name: string) => own(conf.runtimeConfig, name) ?? args.get(name) ?? own(conf.args?.["cni"], name)
}

const common = ({ conf, host, refuse, variables, wish }: Question) => {
  const mac = wish("mac") ?? conf.container?.mac ?? host.mac
  if (mac !== undefined && !unicastMac.test(mac)) refuse("host.mac", mac, "is not a unicast MAC address")
  const mtu = host.mtu ?? conf.container?.mtu ?? 0
  if (mtu !== 0 && mtu < 68) refuse("host.mtu", mtu, "is not 0 or 68 to 65535 (RFC 791: no link has less than 68)")
  return {
    control: host.socket ?? defaultControl(host.engine, variables),
    mac: mac?.toLowerCase(),
    mtu: mtu === 0 ? undefined : mtu,
    group: host.vhost?.group
  }
}

const ovsPort = (asked: Question): OvsVhostPort => {
  const { host, refuse, variables, wish } = asked
  if (host.iftype === "memif")
    refuse("host.iftype", "memif", "is not vhostuser (Open vSwitch has no memif; engine vpp has)")
  if (host.netType === "interface")
    refuse("host.netType", "interface", "is not bridge or none (Open vSwitch ports have no addresses; engine vpp has)")
  const control = host.socket ?? defaultControl("ovs-dpdk", variables)
  const ovnPort = wish("OvnPort")
  const { bridge, vhost } = host
  const limit = policing(asked.conf)
  const mode = bridge?.vlanMode
  if (mode !== undefined && mode !== "trunk" && bridge?.vlanId === undefined)
    refuse("host.bridge.vlanMode", mode, "needs bridge.vlanId")
  const trunks = bridge?.trunks ?? []
  if (mode === "access" && trunks.length > 0)
    refuse("host.bridge.vlanMode", mode, "cannot be combined with bridge.trunks")
  if (mode === "trunk" && bridge?.vlanId !== undefined)
    refuse(
      "host.bridge.vlanMode",
      mode,
      "cannot be combined with bridge.vlanId (a native VLAN needs native-untagged or native-tagged)"
    )
  if (bridge?.bridgeName !== undefined && !/^(?!-)[^/\p{C}\p{Z}]+$/u.test(bridge.bridgeName))
    refuse("host.bridge.bridgeName", bridge.bridgeName, "is not a bridge name (no `/`, no blanks, no `-` in front)")
  if (ovnPort !== undefined && !/^\P{C}{1,255}$/u.test(ovnPort))
    refuse(
      "args.cni.OvnPort",
      ovnPort,
      "is not the name of a logical port (1 to 255 characters, no control characters)"
    )
  return {
    ...common(asked),
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: host.netType === "bridge" ? "bridge" : "none",
    mode: vhost?.mode ?? "server",
    socketFile: vhost?.socketfile,
    ovsSocketDir: variables["OVS_SOCKDIR"] || dirname(control),
    bridge: bridge?.bridgeName ?? (ovnPort === undefined ? "br0" : "br-int"),
    vlan: bridge?.vlanId,
    trunks,
    // By default, Open vSwitch treats a port with a tag as an access port and ignores its trunks.
    vlanMode: mode ?? (bridge?.vlanId !== undefined && trunks.length > 0 ? "native-untagged" : undefined),
    ingressPolicingRate: limit.rate,
    ingressPolicingBurst: limit.burst,
    queues: vhost?.queues,
    ovnPort
  }
}

/** Warns about requested addresses without an IPAM plugin, which assigns them from the whole configuration. */
const unused = ({ ipam, runtimeConfig }: NetConf, args: CniArgs): ReadonlyArray<string> => {
  const { ips } = runtimeConfig ?? {}
  const asked =
    args.get("IP") ?? (Array.isArray(ips) && ips.length > 0 ? ips.slice(0, 8).map(String).join() : undefined)
  return ipam !== undefined || asked === undefined
    ? []
    : [`the addresses ${cut(asked)} that the pod requests are not assigned: the network has no ipam`]
}

/** Warns about container values that do not match the host's. */
const apart = (port: HostPort, { container }: NetConf): ReadonlyArray<string> => {
  const both: ReadonlyArray<readonly [key: string, theirs: unknown, apart: boolean]> =
    port.iftype === "memif"
      ? [
          ["memif.role", container?.memif?.role, container?.memif?.role === port.role],
          ["memif.mode", container?.memif?.mode, (container?.memif?.mode ?? port.mode) !== port.mode]
        ]
      : [["vhost.mode", container?.vhost?.mode, container?.vhost?.mode === port.mode]]
  return both.flatMap(([key, theirs, apart]) =>
    apart ? [`container.${key} is ${theirs}, which does not match the host's end: leave it out`] : []
  )
}

const warnings = (port: HostPort): ReadonlyArray<string> =>
  port.engine === "ovs-dpdk" && port.mode === "server"
    ? [
        "vhost.mode server (dpdkvhostuser) is deprecated by Open vSwitch: every pod has to restart with it. " +
          'Set host.vhost.mode to "client": the application then makes the socket.'
      ]
    : []

const most = 4294967295

/** In units of `unit` bits, rounded up; 0: not requested. Keys match in any case: containerd writes `EgressRate`. */
const bandwidth = ({ runtimeConfig }: NetConf, name: string, unit: number): number => {
  const limits = runtimeConfig?.["bandwidth"]
  if (typeof limits !== "object" || limits === null) return 0
  const bits = Object.entries(limits).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  return typeof bits === "number" && bits > 0 ? Math.min(Math.ceil(bits / unit), most) : 0
}

const kilobits = (conf: NetConf, name: string): number => bandwidth(conf, name, 1000)

/** The ingress policing of Open vSwitch, in kbit/s and kbit; 0: no limit, and the switch's default. The network's limit holds for every pod; a pod can only have a lower one. */
const policing = (conf: NetConf) => {
  const { ingressPolicingBurst: burst = 0, ingressPolicingRate: rate = 0 } = conf.host.vhost ?? {}
  const wanted = kilobits(conf, "egressRate")
  return wanted > 0 && (rate === 0 || wanted < rate)
    ? { rate: wanted, burst: kilobits(conf, "egressBurst") }
    : { rate, burst }
}

/** Warnings for requested limits that are never set, on any switch. */
const unlimited = (conf: NetConf): ReadonlyArray<string> =>
  conf.host.engine === "ovs-dpdk" && kilobits(conf, "ingressRate") > 0
    ? ["bandwidth of the pod towards the container (ingressRate) is not limited on Open vSwitch"]
    : []
