/** What ovs-vswitchd writes into the database after it has applied it, for the copy in a dry run. Pure. */

import type { Row, Value } from "../../ovs/wire/Notation.ts"
import type { Database } from "./Database.ts"
import { atoms, equal } from "./Values.ts"

export interface Vswitchd {
  /** False: everything stays as it is, with its last reports. */
  alive: boolean
  dpdk: boolean
  /** Names of bridges that it cannot create, which it reports only in its log. */
  readonly broken: Set<string>
  /** Devices of the kernel; undefined: none. */
  readonly devices?: ReadonlySet<string>
}

const vhostTypes = ["dpdkvhostuser", "dpdkvhostuserclient"]
const nothing: Value = ["set", []]
/** OpenFlow's number of the bridge itself. */
const localPort = 65534

/** Returns the database after ovs-vswitchd has applied it: every row is realized or refused, and cur_cfg is current. */
export const applied = (database: Database, vswitchd: Vswitchd): Database => {
  if (!vswitchd.alive) return database
  const change = (table: string, f: (row: Row, id: string) => Row) =>
    new Map([...(database.get(table) ?? [])].map(([id, row]) => [id, f(row, id)]))
  const broken = interfacesOfBroken(database, vswitchd)
  let last = 0
  for (const { ofport } of (database.get("Interface") ?? new Map<string, Row>()).values()) {
    if (typeof ofport === "number" && ofport !== localPort) last = Math.max(last, ofport)
  }
  return new Map(database)
    .set(
      "Open_vSwitch",
      change("Open_vSwitch", (row) => ({ ...row, ...said(vswitchd), cur_cfg: row["next_cfg"] ?? 0 }))
    )
    .set(
      "Bridge",
      change("Bridge", (row, id) => bridge(row, id, vswitchd))
    )
    .set(
      "Interface",
      change("Interface", (row, id) =>
        broken.has(id) || !equal(row["ofport"] ?? nothing, nothing) ? row : realised(row, vswitchd, () => ++last)
      )
    )
}

const said = ({ dpdk }: Vswitchd): Row => ({
  dpdk_initialized: dpdk,
  iface_types: ["set", ["internal", "system", "tap", ...(dpdk ? ["dpdk", ...vhostTypes] : [])]]
})

const bridge = (row: Row, id: string, { broken }: Vswitchd): Row =>
  row["datapath_type"] === "netdev" && !broken.has(String(row["name"]))
    ? { ...row, datapath_id: id.replaceAll("-", "").slice(0, 16) }
    : row

const interfacesOfBroken = (database: Database, { broken }: Vswitchd): ReadonlySet<string> => {
  const refers = (row: Row | undefined, column: string) =>
    atoms(row?.[column] ?? nothing).flatMap((atom) => (typeof atom === "object" ? [atom[1]] : []))
  const bridges = [...(database.get("Bridge") ?? [])].filter(([, { name }]) => broken.has(String(name)))
  const ports = bridges.flatMap(([, row]) => refers(row, "ports"))
  return new Set(ports.flatMap((id) => refers(database.get("Port")?.get(id), "interfaces")))
}

const realised = (row: Row, { devices, dpdk }: Vswitchd, nextPort: () => number): Row => {
  const type = String(row["type"])
  if (type === "" && devices?.has(String(row["name"])) === true) return { ...row, ofport: nextPort(), mtu: 1500 }
  if (type === "internal") return { ...row, ofport: localPort, mtu: 1500, link_state: "down" }
  if (!dpdk || !vhostTypes.includes(type)) {
    const error = `could not open network device ${String(row["name"])} (Address family not supported by protocol)`
    return { ...row, ofport: -1, error }
  }
  const mode = type === "dpdkvhostuser" ? "server" : "client"
  const status: Value = [
    "map",
    [
      ["mode", mode],
      ["status", "disconnected"]
    ]
  ]
  return { ...row, ofport: nextPort(), mtu: 0, link_state: "down", status }
}
