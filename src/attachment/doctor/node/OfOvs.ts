/** Judges an Open vSwitch, and the used bridges. Pure. */
import type { OvsView } from "../../../vswitch/View.ts"
import { asKept, found, type Judged, together, well } from "../findings/Finding.ts"

/** `bridges`: those of networks or records. */
export const judge = (view: OvsView, bridges: ReadonlySet<string>): Judged => {
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
