/** The rows of a capture in the database: two ports for tap devices, and a mirror to each. Pure. ovs-vswitchd.conf.db(5). */
import { type Attachment, keyOf } from "../../identity/Attachment.ts"
import { type Devices, type Lease, leaseOf } from "../../vswitch/Mirrors.ts"
import type { ExternalIds } from "../client/Marks.ts"
import { vlans } from "../client/PortPlan.ts"
import { Bridge, type BridgeRow, Interface, Port, type PortRow, table } from "../client/Tables.ts"
import { absent, bump, insert, is, marked, nameIs, stillHolds } from "../client/Transactions.ts"
import { map, named, type Operation, optional, reference, set, setOf, strings, text, uuid } from "../wire/Notation.ts"

export const Mirror = table("Mirror", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  select_src_port: column("select_src_port", setOf(reference)),
  select_dst_port: column("select_dst_port", setOf(reference)),
  output_port: column("output_port", optional(reference)),
  external_ids: column("external_ids", strings)
}))

/** What a port of a capture has, and what a mirror has beside it. No attachment has them: its marks are others. */
const markKey = "userspace-cni-capture"
const ofKey = "userspace-cni-capture-of"
const processKey = "userspace-cni-capture-process"
const expiresKey = "userspace-cni-capture-expires"

export const anyCapture: ExternalIds = { [markKey]: "1" }
export const ofKeyed = (key: string): ExternalIds => ({ ...anyCapture, [ofKey]: key })
export const captureOf = (attachment: Attachment): ExternalIds => ofKeyed(keyOf(attachment))

/** What this process made. */
export const portMark = (attachment: Attachment, { process }: Lease): ExternalIds => ({
  ...captureOf(attachment),
  [processKey]: process
})
const mirrorMark = (attachment: Attachment, lease: Lease): ExternalIds => ({
  ...portMark(attachment, lease),
  [expiresKey]: String(lease.expires)
})

export const keyOfMark = (ids: ExternalIds): string => ids[ofKey] ?? ""
export const leaseOfMark = (ids: ExternalIds): Lease | undefined => leaseOf(ids[processKey], ids[expiresKey])

/** Ports and mirrors come together: a port that no mirror is for would be sent what is flooded. */
export const add = (
  attachment: Attachment,
  devices: Devices,
  lease: Lease,
  bridge: BridgeRow,
  port: PortRow
): ReadonlyArray<Operation> => {
  const ids = map(portMark(attachment, lease))
  const tap = (name: string, id: string): ReadonlyArray<Operation> => [
    insert(Interface, `${id}_interface`, { name, external_ids: ids }),
    insert(Port, `${id}_port`, { name, interfaces: named(`${id}_interface`), ...vlans(port), external_ids: ids })
  ]
  const mirror = (name: string, id: string, from: "select_src_port" | "select_dst_port"): Operation =>
    insert(Mirror, `${id}_mirror`, {
      name,
      [from]: set([uuid(port._uuid)]),
      output_port: named(`${id}_port`),
      external_ids: map(mirrorMark(attachment, lease))
    })
  return [
    absent(Mirror, marked(captureOf(attachment))),
    absent(Port, nameIs(devices.outbound)),
    absent(Port, nameIs(devices.inbound)),
    stillHolds(bridge, port),
    { op: "comment", comment: `userspace-cni: capture port ${port.name} of ${bridge.name}` },
    ...tap(devices.outbound, "outbound"),
    ...tap(devices.inbound, "inbound"),
    mirror(devices.outbound, "outbound", "select_src_port"),
    mirror(devices.inbound, "inbound", "select_dst_port"),
    {
      op: "mutate",
      table: Bridge.name,
      where: [is(bridge._uuid)],
      mutations: [
        ["ports", "insert", set([named("outbound_port"), named("inbound_port")])],
        ["mirrors", "insert", set([named("outbound_mirror"), named("inbound_mirror")])]
      ]
    },
    bump
  ]
}

/** ovs-vswitchd does not look at these: a lease costs it nothing. */
export const renew = (attachment: Attachment, { expires }: Lease): Operation => ({
  op: "mutate",
  table: Mirror.name,
  where: [marked(captureOf(attachment))],
  mutations: [
    ["external_ids", "delete", set([expiresKey])],
    ["external_ids", "insert", map({ [expiresKey]: String(expires) })]
  ]
})

/** What is not there is no failure. */
export const remove = (mirrors: ReadonlyArray<string>, ports: ReadonlyArray<string>): ReadonlyArray<Operation> => [
  { op: "comment", comment: "userspace-cni: end a capture" },
  ...mirrors.map((id) => taken("mirrors", id)),
  ...ports.map((id) => taken("ports", id)),
  bump
]

const taken = (column: "mirrors" | "ports", id: string): Operation => ({
  op: "mutate",
  table: Bridge.name,
  where: [[column, "includes", set([uuid(id)])]],
  mutations: [[column, "delete", set([uuid(id)])]]
})
