/** Addresses of interfaces, and routes. */

import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Result from "effect/Result"
import { isIpv6 } from "../../../src/vpp/messages/Field.ts"
import * as Interface from "../../../src/vpp/messages/Interface.ts"
import * as Ip from "../../../src/vpp/messages/Ip.ts"
import { type Handler, onDump, onInterface, onRequest } from "./VppMessage.ts"
import type { Interface as Entry, VppModel } from "./VppModel.ts"

const overlaps = (one: string, other: string): boolean => {
  const a = IpInterface.fromString(one)
  const b = IpInterface.fromString(other)
  if (isIpv6(one) !== isIpv6(other) || Result.isFailure(a) || Result.isFailure(b)) return false
  return IpNetwork.overlaps(IpNetwork.fromInterface(a.success), IpNetwork.fromInterface(b.success))
}

/** No two interfaces share a subnet. Link-local addresses are stored elsewhere and not listed. */
const addAddress = (model: VppModel, entry: Entry, prefix: string): number => {
  if (/^fe[89ab]/.test(prefix)) return 0
  const taken = [...model.interfaces.values()].some((one) =>
    one.addresses.some((other) => (one === entry ? other === prefix : overlaps(other, prefix)))
  )
  if (taken) return -105
  entry.addresses.push(prefix)
  return 0
}

/** VNET_API_ERROR_NO_MATCHING_INTERFACE */
const noInterface = -54
/** VNET_API_ERROR_NO_SUCH_ENTRY */
const noEntry = -6
const noIndex = 0xffffffff

export const ipMessages: ReadonlyArray<Handler> = [
  onInterface(Interface.addDelAddress, (entry, { del_all, is_add, prefix }, model) => {
    if (is_add) return addAddress(model, entry, prefix)
    if (del_all) entry.addresses.length = 0
    else if (!entry.addresses.includes(prefix)) return -104
    else entry.addresses.splice(entry.addresses.indexOf(prefix), 1)
    return 0
  }),
  onDump(Ip.addressDump, ({ interfaces }, { is_ipv6, sw_if_index }) =>
    (interfaces.get(sw_if_index)?.addresses ?? [])
      .filter((prefix) => isIpv6(prefix) === is_ipv6)
      .map((prefix) => ({ sw_if_index, prefix }))
  ),
  onRequest(Ip.routeAddDel, ({ interfaces, routes }, { is_add, route }) => {
    if (route.paths.some(({ sw_if_index }) => !interfaces.has(sw_if_index))) {
      return { retval: noInterface, stats_index: noIndex }
    }
    if (is_add) routes.set(route.prefix, route)
    else routes.delete(route.prefix)
    return { retval: 0, stats_index: is_add ? routes.size : noIndex }
  }),
  onRequest(Ip.routeLookup, ({ routes }, { prefix, table_id }) => {
    const route = routes.get(prefix)
    if (route === undefined) return { retval: noEntry, route: { table_id, stats_index: 0, prefix, paths: [] } }
    return { retval: 0, route }
  }),
  onDump(Ip.routeDump, ({ routes }, { table }) =>
    [...routes.values()].filter(({ prefix }) => isIpv6(prefix) === table.is_ip6).map((route) => ({ route }))
  )
]
