/** What ovs-vswitchd writes into the database after it has applied it, for the database in memory. Pure. */

import type { Row, Value } from "../../../src/ovs/client/OvsdbMessages.ts"
import type { Database } from "./Database.ts"
import { equal } from "./Values.ts"

const vhostTypes = ["dpdkvhostuser", "dpdkvhostuserclient"]
const nothing: Value = ["set", []]
/** OpenFlow's number of the bridge itself. */
const localPort = 65534

/**
 * Returns the database after ovs-vswitchd has applied it: every row is realized or refused, and cur_cfg is current.
 * `dpdk`: it has been initialized.
 */
export const applied = (database: Database, dpdk = true): Database => {
  const change = (table: string, f: (row: Row, id: string) => Row): readonly [string, ReadonlyMap<string, Row>] => [
    table,
    new Map([...(database.get(table) ?? [])].map(([id, row]) => [id, f(row, id)]))
  ]
  let last = 0
  for (const { ofport } of (database.get("Interface") ?? new Map<string, Row>()).values()) {
    if (typeof ofport === "number" && ofport !== localPort) last = Math.max(last, ofport)
  }
  const types = ["internal", "system", "tap", ...(dpdk ? ["dpdk", ...vhostTypes] : [])]
  return new Map([
    ...database,
    change("Open_vSwitch", (row) => ({
      ...row,
      dpdk_initialized: dpdk,
      iface_types: ["set", types],
      cur_cfg: row["next_cfg"] ?? 0
    })),
    change("Bridge", (row, id) =>
      row["datapath_type"] === "netdev" ? { ...row, datapath_id: id.replaceAll("-", "").slice(0, 16) } : row
    ),
    change("Interface", (row) => (equal(row["ofport"] ?? nothing, nothing) ? realised(row, dpdk, () => ++last) : row))
  ])
}

const realised = (row: Row, dpdk: boolean, nextPort: () => number): Row => {
  const type = String(row["type"])
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
