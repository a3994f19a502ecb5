/** Converts rows to the input of `doctor`. Pure. */
import type { Explained } from "../../cni/spec/CniError.ts"
import { keyOf } from "../../identity/Attachment.ts"
import type { BridgeView, OvsView, PortView } from "../../vswitch/View.ts"
import * as Marks from "../client/Marks.ts"
import type { BridgeRow, InterfaceRow, PortRow, RootRow } from "./Rows.ts"

export interface Rows {
  readonly root: RootRow
  readonly bridges: ReadonlyArray<BridgeRow>
  readonly ports: ReadonlyArray<PortRow>
  readonly interfaces: ReadonlyArray<InterfaceRow>
  /** As ovs-vswitchd says; undefined: it was not asked. */
  readonly version: string | undefined
  readonly polling: ReadonlyMap<string, ReadonlyArray<number>>
}

const vhostTypes = ["dpdkvhostuserclient", "dpdkvhostuser"]

export const seen = (control: string, rows: Rows, silent: Explained | undefined): OvsView => {
  const { root } = rows
  return {
    engine: "ovs-dpdk",
    control,
    version: rows.version ?? root.ovs_version ?? null,
    dpdkVersion: root.dpdk_version ?? null,
    dpdk: root.dpdk_initialized,
    lacks: vhostTypes.filter((type) => !root.iface_types.includes(type)),
    silent,
    bridges: rows.bridges.map((bridge) => bridgeView(bridge, rows)),
    ports: rows.interfaces.flatMap((row) => portView(row, rows))
  }
}

const isOurs = ({ external_ids }: Pick<PortRow, "external_ids">): boolean => Marks.ownerOf(external_ids) !== undefined

const bridgeView = (bridge: BridgeRow, { ports }: Rows): BridgeView => {
  const own = ports.filter(({ _uuid }) => bridge.ports.includes(_uuid))
  const ours = own.filter(isOurs)
  return {
    name: bridge.name,
    // An empty type means the kernel's, as for ovs-vswitchd.
    datapath: bridge.datapath_type === "" ? "system" : bridge.datapath_type,
    secure: bridge.fail_mode === "secure",
    others: own.filter((port) => !isOurs(port) && port.name !== bridge.name).map(({ name }) => name),
    unlearned: ours.filter(({ external_ids }) => Marks.flowOf(external_ids) === undefined).map(({ name }) => name),
    ours: ours.length
  }
}

const portView = (row: InterfaceRow, { bridges, polling, ports }: Rows): ReadonlyArray<PortView> => {
  const owner = Marks.ownerOf(row.external_ids)
  if (owner === undefined) return []
  const port = ports.find(({ interfaces }) => interfaces.includes(row._uuid))
  const bridge = bridges.find(({ ports: own }) => port !== undefined && own.includes(port._uuid))
  const { features, mode, num_of_vrings: vrings, numa, status } = row.status
  const connected = status === "connected"
  const rings = Object.entries(row.status).flatMap(([name, size]) => (/^vring_\d+_size$/.test(name) ? [size] : []))
  return [
    {
      ...owner,
      key: keyOf(owner),
      port: row.name,
      on: bridge === undefined ? null : `bridge ${bridge.name}`,
      connected,
      link: connected ? row.link_state === "up" : null,
      error: row.error ?? (row.ofport !== undefined && row.ofport < 0 ? `ofport ${row.ofport}` : null),
      mtu: row.mtu === undefined || row.mtu === 0 ? null : row.mtu,
      queues: vrings === undefined ? null : `${Math.floor(Number(vrings) / 2)}`,
      rings: rings.length === 0 ? null : rings.join(", "),
      features: features ?? null,
      numa: numa === undefined ? null : Number(numa),
      polledOn: polling.get(row.name) ?? [],
      counted: mode !== "server" || row.statistics["rx_packets"] !== undefined,
      drops: drops(row)
    }
  ]
}

const drops = ({ statistics }: InterfaceRow): PortView["drops"] => {
  const { ovs_rx_qos_drops: received, ovs_tx_failure_drops: failed, ovs_tx_qos_drops: sent } = statistics
  const limited = (received ?? 0) + (sent ?? 0)
  return [
    ...(limited > 0 ? [{ why: "rate limit" as const, packets: limited }] : []),
    ...(failed !== undefined && failed > 0 ? [{ why: "application" as const, packets: failed }] : [])
  ]
}
