/** The tables for `View.ts`, with other columns than a verb needs. ovs-vswitchd.conf.db(5). */
import { type Table, table } from "../client/Tables.ts"
import { boolean, integer, numbers, optional, reference, setOf, strings, text } from "../wire/Notation.ts"

const maybeText = optional(text)
const maybeInteger = optional(integer)

export const Root = table("Open_vSwitch", (column) => ({
  ovs_version: column("ovs_version", maybeText),
  dpdk_version: column("dpdk_version", maybeText),
  dpdk_initialized: column("dpdk_initialized", boolean),
  iface_types: column("iface_types", setOf(text))
}))

export const Bridge = table("Bridge", (column) => ({
  name: column("name", text),
  datapath_type: column("datapath_type", text),
  fail_mode: column("fail_mode", maybeText),
  ports: column("ports", setOf(reference))
}))

export const Port = table("Port", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  interfaces: column("interfaces", setOf(reference)),
  external_ids: column("external_ids", strings)
}))

export const Interface = table("Interface", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  ofport: column("ofport", maybeInteger),
  error: column("error", maybeText),
  link_state: column("link_state", maybeText),
  mtu: column("mtu", maybeInteger),
  status: column("status", strings),
  statistics: column("statistics", numbers),
  external_ids: column("external_ids", strings)
}))

type RowOf<T> = T extends Table<infer Row> ? Readonly<Row> : never

export type RootRow = RowOf<typeof Root>
export type BridgeRow = RowOf<typeof Bridge>
export type PortRow = RowOf<typeof Port>
export type InterfaceRow = RowOf<typeof Interface>
