/** The columns that the client reads, as in ovs-vswitchd.conf.db(5) (schema Open_vSwitch 8). */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { boolean, integer, type Kind, optional, reference, setOf, strings, text } from "../wire/Notation.ts"

export type Column = <A>(name: string, kind: Kind<A>) => A

/** A table's name, the requested columns, and the decoder of their rows. */
export interface Table<Row> {
  readonly name: string
  readonly columns: ReadonlyArray<string>
  /** A failure describes the unexpected value of a column. */
  readonly read: (wire: unknown) => Result.Result<Row, string>
}

/** Defines a table; `row` reads its columns. */
export const table = <Row>(name: string, row: (column: Column) => Row): Table<Row> => {
  const columns: Array<string> = []
  row((column, { empty }) => {
    columns.push(column)
    return empty
  })
  return {
    name,
    columns,
    read: (wire) => {
      const values = Predicate.isReadonlyObject(wire) ? wire : {}
      const wrong: Array<string> = []
      const read = row((column, kind) =>
        Option.getOrElse(kind.read(Predicate.hasProperty(values, column) ? values[column] : undefined), () => {
          wrong.push(`column ${column} is not ${kind.name}`)
          return kind.empty
        })
      )
      return wrong.length === 0 ? Result.succeed(read) : Result.fail(wrong.join(", "))
    }
  }
}

const integers = setOf(integer)
const maybeInteger = optional(integer)
const maybeText = optional(text)

export const Root = table("Open_vSwitch", (column) => ({
  _uuid: column("_uuid", reference),
  cur_cfg: column("cur_cfg", integer),
  next_cfg: column("next_cfg", integer),
  dpdk_initialized: column("dpdk_initialized", boolean),
  iface_types: column("iface_types", setOf(text))
}))

export const Bridge = table("Bridge", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  datapath_type: column("datapath_type", text),
  datapath_id: column("datapath_id", maybeText),
  fail_mode: column("fail_mode", maybeText),
  external_ids: column("external_ids", strings)
}))

export const Port = table("Port", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  interfaces: column("interfaces", setOf(reference)),
  tag: column("tag", maybeInteger),
  trunks: column("trunks", integers),
  vlan_mode: column("vlan_mode", maybeText),
  external_ids: column("external_ids", strings)
}))

export const Interface = table("Interface", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  type: column("type", text),
  options: column("options", strings),
  ofport: column("ofport", maybeInteger),
  error: column("error", maybeText),
  link_state: column("link_state", maybeText),
  mtu: column("mtu", maybeInteger),
  mtu_request: column("mtu_request", maybeInteger),
  ingress_policing_rate: column("ingress_policing_rate", integer),
  ingress_policing_burst: column("ingress_policing_burst", integer),
  status: column("status", strings),
  external_ids: column("external_ids", strings)
}))

export type RowOf<T> = T extends Table<infer Row> ? Readonly<Row> : never

export type RootRow = RowOf<typeof Root>
export type BridgeRow = RowOf<typeof Bridge>
export type PortRow = RowOf<typeof Port>
export type InterfaceRow = RowOf<typeof Interface>
