/**
 * What a plan knows of a VPP: what the real one has, read once, with what the plan changes. Of addresses and routes,
 * which can be many, only those that the plan reads or changes (`PlannedVpp.ts`).
 */
import * as Effect from "effect/Effect"
import type { Session } from "../../vpp/client/Session.ts"
import * as Interfaces from "../../vpp/interfaces/Interfaces.ts"
import { policers } from "../../vpp/interfaces/Policers.ts"
import type { bridgeDomainDump } from "../../vpp/messages/BridgeDomain.ts"
import { interfaceDump, spanDump } from "../../vpp/messages/Interface.ts"
import type { routeAddDel } from "../../vpp/messages/Ip.ts"
import type { Message } from "../../vpp/messages/Message.ts"
import type { policerDump } from "../../vpp/messages/Policer.ts"
import { memifDump, vhostUserDump } from "../../vpp/messages/Ports.ts"

export type Values<M> = M extends Message<infer A> ? A : never
type Details<D> = D extends { readonly details: Message<infer A> } ? A : never
type Domain = Details<typeof bridgeDomainDump>

export interface VppRows {
  readonly interfaces: Map<number, Interfaces.Interface>
  readonly memifs: Map<number, Details<typeof memifDump>>
  readonly vhosts: Map<number, Details<typeof vhostUserDump>>
  readonly sockets: Map<number, string>
  readonly domains: Map<number, Domain>
  readonly policers: Map<string, Details<typeof policerDump>>
  readonly spans: Map<string, Details<typeof spanDump>>
  /** Of the interfaces whose addresses were read. */
  readonly addresses: Map<number, ReadonlyArray<string>>
  /** By prefix, those that the plan has read or changes; undefined: removed. */
  readonly routes: Map<string, Values<typeof routeAddDel>["route"] | undefined>
}

export const spanKey = (span: { readonly sw_if_index_from: number; readonly sw_if_index_to: number }): string =>
  `${span.sw_if_index_from} ${span.sw_if_index_to}`

/** `session`: undefined assumes a VPP in which nothing is. */
export const read = Effect.fnUntraced(function* (session: Session | undefined) {
  const rows: VppRows = {
    interfaces: new Map(),
    memifs: new Map(),
    vhosts: new Map(),
    sockets: new Map(),
    domains: new Map(),
    policers: new Map(),
    spans: new Map(),
    addresses: new Map(),
    routes: new Map()
  }
  if (session === undefined) return rows
  for (const row of yield* Interfaces.all(session)) rows.interfaces.set(row.sw_if_index, row)
  for (const row of yield* Interfaces.memifs(session)) rows.memifs.set(row.sw_if_index, row)
  for (const row of yield* Interfaces.vhosts(session)) rows.vhosts.set(row.sw_if_index, row)
  for (const [id, path] of yield* Interfaces.memifSockets(session)) rows.sockets.set(id, path)
  for (const row of yield* Interfaces.domains(session)) rows.domains.set(row.bd_id, row)
  for (const row of yield* policers(session)) rows.policers.set(row.name, row)
  const spans = yield* Interfaces.dumpAny(session, spanDump, { is_l2: false })
  for (const row of spans) rows.spans.set(spanKey(row), row)
  return rows
})

/** The details of a dump as VPP would send them of nothing. */
export const zero = <A>({ details }: { readonly details: Message<A> }): A =>
  details.fields.read({ bytes: Buffer.alloc(1024), at: 0, field: "" })

/** Adds an interface, and returns its index, which only the plan knows. */
const add = ({ addresses, interfaces }: VppRows, row: Partial<Interfaces.Interface>): number => {
  const index = Math.max(0, ...interfaces.keys()) + 1
  addresses.set(index, [])
  interfaces.set(index, { ...zero(interfaceDump), ...row, sw_if_index: index, sup_sw_if_index: index })
  return index
}

/** Removes an interface with its addresses; its routes and spans stay. */
export const remove = (rows: VppRows, index: number): void => {
  leave(rows, index)
  for (const table of [rows.interfaces, rows.memifs, rows.vhosts, rows.addresses]) table.delete(index)
}

export const leave = ({ domains }: VppRows, index: number): void => {
  for (const [id, domain] of domains) {
    const sw_if_details = domain.sw_if_details.filter(({ sw_if_index }) => sw_if_index !== index)
    domains.set(id, { ...domain, sw_if_details })
  }
}

export const addMemif = (rows: VppRows, row: Partial<Details<typeof memifDump>>): number => {
  const { id = 0, mode, socket_id = 0 } = row
  const mtu = mode === "ip" ? 0 : 9000
  const interface_name = `memif${socket_id}/${id}`
  const index = add(rows, { interface_name, interface_dev_type: "memif", mtu: [mtu, 0, 0, 0] })
  rows.memifs.set(index, { ...zero(memifDump), ...row, sw_if_index: index, if_name: interface_name })
  return index
}

export const addVhost = (
  rows: VppRows,
  tag: string,
  row: Pick<Details<typeof vhostUserDump>, "interface_name" | "is_server" | "sock_filename">
): number => {
  const { interface_name } = row
  const index = add(rows, { interface_name, interface_dev_type: "vhost-user", tag, mtu: [9000, 0, 0, 0] })
  rows.vhosts.set(index, { ...zero(vhostUserDump), ...row, sw_if_index: index })
  return index
}

export const join = (rows: VppRows, index: number, id: number): void => {
  leave(rows, index)
  const domain = rows.domains.get(id) ?? newDomain(id, "")
  const member = { context: 0, sw_if_index: index, shg: 0 }
  rows.domains.set(id, { ...domain, sw_if_details: [...domain.sw_if_details, member] })
}

export const newDomain = (bd_id: number, bd_tag: string): Domain => ({
  ...{ bd_id, bd_tag, flood: true, uu_flood: true, forward: true, learn: true, arp_term: false, arp_ufwd: false },
  ...{ mac_age: 0, bvi_sw_if_index: 0xffffffff, uu_fwd_sw_if_index: 0xffffffff, sw_if_details: [] }
})
