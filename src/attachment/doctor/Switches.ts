/** The switches of a node for `doctor`, and which of them networks and records name. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Configuration } from "../../cni/network/Configuration.ts"
import type { Control, HostPort } from "../../cni/network/HostPort.ts"
import { ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import type { OvsView, SwitchView, View, VppView } from "../../vswitch/View.ts"
import { ask } from "../node/Survey.ts"
import { asKept, found, isDenied, type Judged, together, unknown, unseen, well } from "./findings/Finding.ts"

interface Seen {
  readonly at: Control
  readonly answer: Result.Result<SwitchView, Explained>
}

export const look = (controls: ReadonlyArray<Control>, viewAt: (at: Control) => View) =>
  Effect.map(
    ask(controls, (at) => Effect.scoped(viewAt(at))),
    ({ asked }): ReadonlyArray<Seen> => asked
  )

/** `configurations`: of the records, and of the requested network. */
export const judge = (seen: ReadonlyArray<Seen>, configurations: ReadonlyArray<Configuration>): Judged => {
  if (seen.length === 0) return found("switches", "switch-missing", "no control socket is in its default place")
  const ports = configurations.map(({ port }) => port)
  return together(seen.map((one) => ofOne(one, ports)))
}

const ofOne = ({ answer: view, at }: Seen, ports: ReadonlyArray<HostPort>): Judged => {
  const unit = at.engine === "vpp" ? "vpp" : "openvswitch-switch"
  if (Result.isFailure(view)) {
    const name = at.engine === "vpp" ? "VPP" : "Open vSwitch"
    const { code, failed } = view.failure
    // Whoever may not ask it cannot say that it is away.
    return code === ErrorCodes.TryAgainLater && !isDenied(failed)
      ? found(`${name} on ${at.control}`, "switch-away", failed, { unit })
      : unseen(`${name} on ${at.control}`, failed)
  }
  const own = ports.filter(({ control, engine }) => control === at.control && engine === at.engine)
  return view.success.engine === "vpp"
    ? ofVpp(view.success, new Set(own.map(({ iftype }) => iftype)))
    : ofOvs(view.success, new Set(own.flatMap((port) => (port.engine === "vpp" ? [] : [port.bridge]))))
}

/** `bridges`: those of networks or records. */
export const ofOvs = (view: OvsView, bridges: ReadonlySet<string>): Judged => {
  const link = `Open vSwitch on ${view.control}`
  const versions = [`version ${view.version ?? "unknown"}`, ...(view.dpdkVersion === null ? [] : [view.dpdkVersion])]
  // An ovs-vswitchd that has never run has reported nothing.
  const able =
    view.silent !== undefined
      ? found(link, "ovs-vswitchd-away", view.silent.failed)
      : !view.dpdk
        ? found(link, "dpdk-not-initialized", "dpdk_initialized is false")
        : view.lacks.length > 0
          ? found(link, "ovs-without-vhost", `no interface type ${view.lacks.join(", ")}`)
          : view.asked
            ? well(link, `${versions.join(", ")}, DPDK initialized`)
            : asKept(
                found(
                  link,
                  "ovs-vswitchd-not-asked",
                  `ovs-vswitchd was not asked; the database has ${versions.join(", ")}, DPDK initialized`
                )
              )
  return together([able, ...view.bridges.flatMap((bridge) => (bridges.has(bridge.name) ? ofBridge(bridge) : []))])
}

const ofBridge = ({ datapath, name, others, ours, secure, unlearned }: OvsView["bridges"][number]): Judged => {
  const link = `bridge ${name}`
  const values = { bridge: name }
  if (datapath !== "netdev") {
    return found(link, "bridge-not-netdev", `datapath_type is "${datapath}", vhost-user ports need netdev`, values)
  }
  return together([
    well(link, `netdev, ${ours} ${ours === 1 ? "port" : "ports"} of the plugin, ${others.length} others`),
    ...(secure && unlearned.length > 0
      ? [found(link, "bridge-drops-unknown", `fail_mode is secure; no flow for ${unlearned.join(", ")}`, values)]
      : []),
    ...(ours > 0 && others.length === 0 ? [found(link, "bridge-without-uplink", "it has no other port", values)] : [])
  ])
}

/** `used`: `memif`, `vhostuser`, from networks or records. */
export const ofVpp = (view: VppView, used: ReadonlySet<string>): Judged => {
  const { buffers, control, lacks, unloaded, version } = view
  const link = `VPP on ${control}`
  const plugins = unloaded.map((plugin) => {
    const isUsed = used.has(plugin === "vhost" ? "vhostuser" : plugin)
    const values = { plugin: `${plugin}_plugin.so`, socket: control }
    return found(link, isUsed ? "vpp-plugin-not-loaded" : "vpp-plugin-unused", `plugin ${plugin} is not loaded`, values)
  })
  return together([
    well(link, `version ${version ?? "unknown"}`),
    ...plugins,
    ...(used.has("memif") && isBelowOverflowFix(version)
      ? [found(link, "vpp-memif-overflow", `version ${version} is below 26.06`)]
      : []),
    ...(lacks.length === 0 ? [] : [found(link, "vpp-message-missing", lacks.join("; "), { socket: control })]),
    buffersOf(buffers, control)
  ])
}

/** e36567760d6 is in no stable branch before 26.06. What does not look like a release is not judged. */
const isBelowOverflowFix = (version: string | null): boolean => {
  const [, year, month] = /^v?(\d+)\.(\d\d)/.exec(version ?? "") ?? []
  return year !== undefined && month !== undefined && Number(year) * 100 + Number(month) < 2606
}

/** One in twenty: a nearly empty pool drops in bursts. */
const scarce = 0.05

const buffersOf = (buffers: VppView["buffers"], control: string): Judged => {
  const link = `buffers of VPP on ${control}`
  if (buffers === null || buffers.length === 0) return unknown(link, "this VPP does not tell")
  const words = buffers.map(({ free, pool, total }) => `${pool}: ${free} of ${total} are free`).join(", ")
  return buffers.some(({ free, total }) => free < total * scarce)
    ? found(link, "vpp-buffers-used-up", words)
    : well(link, words)
}
