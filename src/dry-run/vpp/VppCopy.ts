/**
 * VPP as it would be: what its dumps say, copied, in which the plan is done. Knows the messages that change something by
 * their effect on what the engine looks at again, and answers the rest with success. Of addresses and routes, of
 * which there can be very many, only what is looked at or changed is kept.
 */

import * as Effect from "effect/Effect"
import type { Session } from "../../vpp/client/Session.ts"
import type { Interface } from "../../vpp/interfaces/Interfaces.ts"
import * as Interfaces from "../../vpp/interfaces/Interfaces.ts"
import { addDelV2, bridgeDomainDump } from "../../vpp/messages/BridgeDomain.ts"
import { every } from "../../vpp/messages/Control.ts"
import type { routeAddDel } from "../../vpp/messages/Ip.ts"
import { memifDump, socketFilenameDump } from "../../vpp/messages/Memif.ts"
import { policerDump } from "../../vpp/messages/Policer.ts"
import { vhostUserDump } from "../../vpp/messages/VhostUser.ts"
import { anyMac } from "../../vpp/wire/Address.ts"
import type { Message } from "../../vpp/wire/Message.ts"

type Row<D> = D extends { readonly details: Message<infer A> } ? A : never

export interface VppCopy {
  interfaces: ReadonlyArray<Interface>
  sockets: ReadonlyArray<Row<typeof socketFilenameDump>>
  memifs: ReadonlyArray<Row<typeof memifDump>>
  vhosts: ReadonlyArray<Row<typeof vhostUserDump>>
  domains: ReadonlyArray<Row<typeof bridgeDomainDump>>
  policers: ReadonlyArray<Row<typeof policerDump>>
  /** Of those interfaces that were looked at, or made: prefixes, by index. */
  readonly addresses: Map<number, ReadonlyArray<string>>
  /** By their prefix; undefined: the plan has removed it. */
  readonly routes: Map<string, Route | undefined>
  /** VPP 21.10 takes a link's MTU for every interface, later ones for those with Ethernet drivers that allow it. */
  readonly anyLinkMtu: boolean
  /** VPP makes and removes the files of sockets. */
  readonly appear: (path: string) => void
  readonly vanish: (path: string) => void
}

export type Route = Parameters<typeof routeAddDel.fields.write>[1]["route"]

type Effects = Pick<VppCopy, "appear" | "vanish">

export const empty = (effects: Effects): VppCopy => ({
  interfaces: [newInterface(0, "local0", "local", 0)],
  sockets: [{ socket_id: 0, socket_filename: "/run/vpp/memif.sock" }],
  memifs: [],
  vhosts: [],
  domains: [],
  policers: [],
  addresses: new Map(),
  routes: new Map(),
  anyLinkMtu: false,
  ...effects
})

/** Larger than what a real call reads; a dry run is for a person, once. */
export const copyOf = Effect.fnUntraced(function* (session: Session, effects: Effects) {
  const found: VppCopy = {
    interfaces: yield* Interfaces.all(session),
    sockets: session.offers(socketFilenameDump) ? yield* session.dump(socketFilenameDump, {}) : [],
    memifs: session.offers(memifDump) ? yield* session.dump(memifDump, {}) : [],
    vhosts: session.offers(vhostUserDump) ? yield* session.dump(vhostUserDump, { sw_if_index: every }) : [],
    domains: session.offers(bridgeDomainDump)
      ? yield* session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every })
      : [],
    policers: session.offers(policerDump)
      ? yield* session.dump(policerDump, { match_name_valid: false, match_name: "" })
      : [],
    addresses: new Map(),
    routes: new Map(),
    anyLinkMtu: !session.offers(addDelV2),
    ...effects
  }
  return found
})

export const nameOf = ({ interfaces }: VppCopy, index: number): string =>
  interfaces.find(({ sw_if_index }) => sw_if_index === index)?.interface_name ?? `interface ${index}`

export const pathOf = ({ sockets }: VppCopy, id: number): string =>
  sockets.find(({ socket_id }) => socket_id === id)?.socket_filename ?? ""

/** The index of the new interface. */
export const addInterface = (copy: VppCopy, name: string, kind: string, mtu: number): number => {
  const index = Math.max(...copy.interfaces.map(({ sw_if_index }) => sw_if_index)) + 1
  copy.interfaces = [...copy.interfaces, newInterface(index, name, kind, mtu)]
  copy.addresses.set(index, [])
  return index
}

export const changeInterface = (
  copy: VppCopy,
  index: number,
  change: (row: Interface) => Partial<Interface>
): number => {
  const there = copy.interfaces.some(({ sw_if_index }) => sw_if_index === index)
  copy.interfaces = copy.interfaces.map((row) => (row.sw_if_index === index ? { ...row, ...change(row) } : row))
  return there ? 0 : -2
}

export const changeAddress = (copy: VppCopy, index: number, prefix: string, there: boolean): number => {
  const others = (copy.addresses.get(index) ?? []).filter((one) => one !== prefix)
  copy.addresses.set(index, there ? [...others, prefix] : others)
  return 0
}

export const removeInterface = (copy: VppCopy, index: number): number => {
  const others = <R extends { readonly sw_if_index: number }>(rows: ReadonlyArray<R>) =>
    rows.filter(({ sw_if_index }) => sw_if_index !== index)
  if (others(copy.interfaces).length === copy.interfaces.length) return -2
  copy.interfaces = others(copy.interfaces)
  copy.memifs = others(copy.memifs)
  copy.vhosts = others(copy.vhosts)
  leaveDomains(copy, index)
  return 0
}

export const leaveDomains = (copy: VppCopy, index: number): void => {
  copy.domains = copy.domains.map((domain) => ({
    ...domain,
    sw_if_details: domain.sw_if_details.filter(({ sw_if_index }) => sw_if_index !== index)
  }))
}

const newInterface = (index: number, name: string, kind: string, mtu: number): Interface => ({
  sw_if_index: index,
  sup_sw_if_index: index,
  l2_address: anyMac,
  flags: 0,
  type: 0,
  link_duplex: 0,
  link_speed: 0,
  link_mtu: mtu,
  mtu: [mtu, 0, 0, 0],
  sub_id: 0,
  sub_number_of_tags: 0,
  sub_outer_vlan_id: 0,
  sub_inner_vlan_id: 0,
  sub_if_flags: 0,
  vtr_op: 0,
  vtr_push_dot1q: 0,
  vtr_tag1: 0,
  vtr_tag2: 0,
  outer_tag: 0,
  b_dmac: anyMac,
  b_smac: anyMac,
  b_vlanid: 0,
  i_sid: 0,
  interface_name: name,
  interface_dev_type: kind,
  tag: ""
})
