/** The columns we read, as ovs-vswitchd.conf.db(5) (schema Open_vSwitch 8) has them. */
import * as Schema from "effect/Schema"
import { OptionalOf, SetOf, StringMap, UuidText } from "./Notation.ts"

// One of each: a process that lives for milliseconds feels every schema that it has to prepare.
const MaybeInt = OptionalOf(Schema.Int)
const MaybeString = OptionalOf(Schema.String)
const Uuids = SetOf(UuidText)

/** A row of the schema's columns, and which those are. */
const table = <Fields extends Schema.Struct.Fields>(name: string, fields: Fields) => ({
  name,
  columns: Object.keys(fields),
  row: Schema.Struct(fields)
})

export const Root = table("Open_vSwitch", {
  _uuid: UuidText,
  cur_cfg: Schema.Int,
  next_cfg: Schema.Int,
  dpdk_initialized: Schema.Boolean,
  iface_types: SetOf(Schema.String)
})

export const Bridge = table("Bridge", {
  _uuid: UuidText,
  name: Schema.String,
  datapath_type: Schema.String,
  datapath_id: MaybeString,
  fail_mode: MaybeString,
  external_ids: StringMap
})

export const Port = table("Port", {
  _uuid: UuidText,
  name: Schema.String,
  interfaces: Uuids,
  tag: MaybeInt,
  trunks: SetOf(Schema.Int),
  vlan_mode: MaybeString,
  external_ids: StringMap
})

export const Interface = table("Interface", {
  _uuid: UuidText,
  name: Schema.String,
  type: Schema.String,
  options: StringMap,
  ofport: MaybeInt,
  error: MaybeString,
  link_state: MaybeString,
  mtu: MaybeInt,
  mtu_request: MaybeInt,
  ingress_policing_rate: Schema.Int,
  ingress_policing_burst: Schema.Int,
  status: StringMap,
  external_ids: StringMap
})

export type RootRow = typeof Root.row.Type
export type BridgeRow = typeof Bridge.row.Type
export type PortRow = typeof Port.row.Type
export type InterfaceRow = typeof Interface.row.Type
