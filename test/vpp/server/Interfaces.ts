/** Interfaces in general: dumps and their filters, tag, flags, MTU, addresses. */

import { Result } from "effect"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Interface from "../../../src/vpp/messages/Interface.ts"
import * as Ip from "../../../src/vpp/messages/Ip.ts"
import { isIpv6 } from "../../../src/vpp/wire/Address.ts"
import { type Handler, onDump, onRequest } from "./Handler.ts"
import type { Interface as Entry, State } from "./State.ts"

const absent = { retval: -2 }
const done = { retval: 0 }

/** Most requests name an interface, and are answered -2 when there is none. */
export const on =
  <A extends { readonly sw_if_index: number }>(change: (entry: Entry, values: A, state: State) => number | undefined) =>
  (state: State, values: A) => {
    const entry = state.interfaces.get(values.sw_if_index)
    return entry === undefined ? absent : { retval: change(entry, values, state) ?? 0 }
  }

const noMac = "00:00:00:00:00:00"

const details = (state: State, entry: Entry) => {
  const parent = entry.sub === undefined ? entry : (state.interfaces.get(entry.sub.parent) ?? entry)
  const vlan = entry.sub?.vlan ?? 0
  return {
    sw_if_index: entry.index,
    sup_sw_if_index: parent.index,
    l2_address: entry.sub === undefined ? entry.mac : noMac,
    flags: entry.flags,
    type: entry.sub === undefined ? 0 : 1,
    link_duplex: 0,
    link_speed: 0,
    link_mtu: parent.linkMtu,
    mtu: entry.mtu,
    sub_id: vlan,
    sub_number_of_tags: vlan === 0 ? 0 : 1,
    sub_outer_vlan_id: vlan,
    sub_inner_vlan_id: 0,
    sub_if_flags: vlan === 0 ? 0 : 18,
    vtr_op: entry.rewrite.op,
    vtr_push_dot1q: entry.rewrite.dot1q,
    vtr_tag1: entry.rewrite.tag1,
    vtr_tag2: entry.rewrite.tag2,
    outer_tag: 0,
    b_dmac: noMac,
    b_smac: noMac,
    b_vlanid: 0,
    i_sid: 0,
    interface_name: entry.name,
    interface_dev_type: entry.kind,
    tag: entry.tag
  }
}

const overlaps = (one: string, other: string): boolean => {
  const a = IpInterface.fromString(one)
  const b = IpInterface.fromString(other)
  if (isIpv6(one) !== isIpv6(other) || Result.isFailure(a) || Result.isFailure(b)) return false
  return IpNetwork.overlaps(IpNetwork.fromInterface(a.success), IpNetwork.fromInterface(b.success))
}

/** No two interfaces share a subnet. Link-local addresses are kept elsewhere and not listed. */
const addAddress = (state: State, entry: Entry, prefix: string): number => {
  if (/^fe[89ab]/.test(prefix)) return 0
  const taken = [...state.interfaces.values()].some(({ addresses, index }) =>
    addresses.some((other) => (index === entry.index ? other === prefix : overlaps(other, prefix)))
  )
  if (taken) {
    state.lastFailure = -105
    return -105
  }
  entry.addresses.push(prefix)
  return 0
}

export const interfaceHandlers: ReadonlyArray<Handler> = [
  onDump(Interface.interfaceDump, (state, { name_filter, name_filter_valid, sw_if_index }) =>
    [...state.interfaces.values()]
      .filter(({ index }) => sw_if_index === 0 || sw_if_index === 0xffffffff || index === sw_if_index)
      .filter(({ name }) => !name_filter_valid || name.toLowerCase().includes(name_filter.toLowerCase()))
      .map((entry) => details(state, entry))
  ),
  onRequest(
    Interface.setFlags,
    on((entry, { flags }, { happened }) => {
      const before = entry.flags
      entry.flags = (before & ~Interface.adminUp) | (flags & Interface.adminUp)
      if (entry.flags !== before) happened.push({ sw_if_index: entry.index, flags: entry.flags, deleted: false })
      return 0
    })
  ),
  onRequest(
    Interface.setHardwareMtu,
    on((entry, { mtu }) => {
      if (entry.memif?.mode === 1) return -30
      if (entry.kind !== "memif") return -126
      entry.linkMtu = mtu
      entry.mtu = [mtu, 0, 0, 0]
      return 0
    })
  ),
  onRequest(
    Interface.setMtu,
    on((entry, { mtu }) => {
      const [layer3 = 0, ip4 = 0, ip6 = 0, mpls = 0] = mtu
      entry.mtu = [layer3, ip4, ip6, mpls]
      return 0
    })
  ),
  onRequest(
    Interface.tagAddDel,
    on((entry, { is_add, tag }) => {
      entry.tag = is_add ? Buffer.from(tag).subarray(0, 63).toString() : ""
      return 0
    })
  ),
  onRequest(
    Interface.addDelAddress,
    on((entry, { del_all, is_add, prefix }, state) => {
      if (is_add) return addAddress(state, entry, prefix)
      if (del_all) entry.addresses.length = 0
      else if (!entry.addresses.includes(prefix)) return -104
      else entry.addresses.splice(entry.addresses.indexOf(prefix), 1)
      return 0
    })
  ),
  onDump(Ip.addressDump, (state, { is_ipv6, sw_if_index }) =>
    (state.interfaces.get(sw_if_index)?.addresses ?? [])
      .filter((prefix) => isIpv6(prefix) === is_ipv6)
      .map((prefix) => ({ sw_if_index, prefix }))
  ),
  onRequest(Ip.routeAddDel, (state, { is_add, route }) => {
    // VNET_API_ERROR_NO_MATCHING_INTERFACE
    if (route.paths.some(({ sw_if_index }) => !state.interfaces.has(sw_if_index))) {
      return { retval: -54, stats_index: 0xffffffff }
    }
    if (is_add) state.routes.set(route.prefix, route)
    else state.routes.delete(route.prefix)
    return { ...done, stats_index: is_add ? state.routes.size : 0xffffffff }
  }),
  onRequest(Ip.routeLookup, (state, { prefix, table_id }) => {
    const route = state.routes.get(prefix)
    // VNET_API_ERROR_NO_SUCH_ENTRY
    if (route === undefined) return { retval: -6, route: { table_id, stats_index: 0, prefix, paths: [] } }
    return { retval: 0, route }
  }),
  onDump(Ip.routeDump, (state, { table }) =>
    [...state.routes.values()].filter(({ prefix }) => isIpv6(prefix) === table.is_ip6).map((route) => ({ route }))
  )
]
