/**
 * Addresses and routes of an interface in this container's VPP. Adds what is missing and removes nothing, because
 * others may have added more. A destination that is already routed elsewhere is not changed, and reported; of two
 * networks with a default route the first one has it.
 */
import * as Effect from "effect/Effect"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { run, type Session, step } from "../../vpp/client/Session.ts"
import { addressesOf } from "../../vpp/interfaces/HostAddresses.ts"
import { isIpv6 } from "../../vpp/messages/Field.ts"
import { addDelAddress } from "../../vpp/messages/Interface.ts"
import { normal, routeAddDel, routeDump, routeOver } from "../../vpp/messages/Ip.ts"
import type { Interface } from "../read/Interface.ts"

/** Addresses known only from Multus' status have no prefix. */
const withPrefix = (address: string): string =>
  address.includes("/") ? address : `${address}/${isIpv6(address) ? 128 : 32}`

/** VPP's notation: others may write IPv6 in capitals, or with its zeros. */
const written = (address: string): string =>
  Result.match(IpInterface.fromString(withPrefix(address)), {
    onFailure: () => withPrefix(address),
    onSuccess: IpInterface.format
  })

/** The same for a network, without host bits. */
const network = (prefix: string): string =>
  Result.match(IpInterface.fromString(withPrefix(prefix)), {
    onFailure: () => withPrefix(prefix),
    onSuccess: (own) => IpNetwork.format(IpNetwork.fromInterface(own))
  })

export const addAddresses = Effect.fnUntraced(function* (session: Session, index: number, one: Interface) {
  const there = new Set(yield* addressesOf(session, index))
  const missing = one.addresses.map(({ address }) => written(address)).filter((prefix) => !there.has(prefix))
  yield* run(
    session,
    missing.map((prefix) => step(addDelAddress, { sw_if_index: index, is_add: true, del_all: false, prefix }))
  )
})

const routesOf = Effect.fnUntraced(function* (session: Session, is_ip6: boolean) {
  const found = yield* session.dump(routeDump, { table: { table_id: 0, is_ip6, name: "" } })
  return found.map(({ route }) => route)
})

/** Returns what it left as it was, in words. */
export const addRoutes = Effect.fnUntraced(function* (session: Session, index: number, one: Interface) {
  const left: Array<string> = []
  for (const is_ip6 of [false, true]) {
    const wanted = wantedRoutes(one, is_ip6)
    if (wanted.length === 0) continue
    const there = yield* routesOf(session, is_ip6)
    for (const { gateway, prefix } of wanted) {
      const paths = there.find((route) => route.prefix === prefix)?.paths ?? []
      if (paths.some(({ sw_if_index, type }) => type === normal && sw_if_index !== index)) {
        left.push(`${prefix} is already routed elsewhere; not changed`)
        continue
      }
      const route = routeVia(index, prefix, gateway)
      yield* session.call(routeAddDel, { is_add: true, is_multipath: false, route })
    }
  }
  return left
})

/** The routes of one family. Gateways outside of the interface's subnets come first, as neighbours on the link. */
const wantedRoutes = ({ addresses, routes }: Interface, is_ip6: boolean) => {
  const attached = is_ip6 ? "::" : "0.0.0.0"
  const own = addresses.filter(({ address }) => isIpv6(address) === is_ip6)
  const gateways = own.flatMap(({ gateway = [] }) => gateway)
  const [usual = attached] = gateways
  const named = routes
    .filter(({ dst }) => isIpv6(dst) === is_ip6)
    .map(({ dst, gateway = usual }) => ({ prefix: network(dst), gateway }))
  const beyond = new Set([...gateways, ...named.map(({ gateway }) => gateway)].filter((hop) => hop !== attached))
  return [
    ...[...beyond]
      .filter((hop) => !isLinkLocal6(hop) && !own.some(({ address }) => reaches(address, hop)))
      .map((hop) => ({ prefix: network(hop), gateway: attached })),
    ...named
  ]
}

const reaches = (address: string, hop: string): boolean => {
  const [own, other] = [IpInterface.fromString(withPrefix(address)), NetAddress.ipFromString(hop)]
  if (Result.isFailure(own) || Result.isFailure(other)) return false
  const alone = own.success.prefixLength === (isIpv6(address) ? 128 : 32)
  return !alone && IpNetwork.contains(IpNetwork.fromInterface(own.success), other.success)
}

/** Link-local addresses are on every link. */
const isLinkLocal6 = (hop: string): boolean => /^fe[89ab]/i.test(hop)

/** A route over an interface to a neighbour. The unspecified address means that the destination is a neighbour. */
const routeVia = (index: number, prefix: string, hop: string) => routeOver(index, prefix, bytesOf(hop), isIpv6(hop))

/** 16 bytes, of which an IPv4 address uses the first four. The text was validated when it was read. */
const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(16)
  Result.match(NetAddress.ipFromString(text), {
    onFailure: () => undefined,
    onSuccess: (address) =>
      bytes.set(NetAddress.isIpv4Address(address) ? NetAddress.ipv4ToOctets(address) : NetAddress.ipv6ToOctets(address))
  })
  return bytes
}

/** Removes routes before their interface: VPP would keep them, and give them to the next interface with that index. */
export const removeRoutesOver = Effect.fnUntraced(function* (session: Session, index: number) {
  const own = yield* addressesOf(session, index)
  for (const is_ip6 of [false, true]) {
    for (const route of yield* routesOf(session, is_ip6)) {
      const over = route.paths.some(({ sw_if_index, type }) => type === normal && sw_if_index === index)
      // The subnet's route is removed with its address. Neighbours that VPP has learned are removed too, but look like
      // routes.
      if (!over || own.some((address) => isSubnetOf(route.prefix, address))) continue
      yield* session.call(routeAddDel, { is_add: false, is_multipath: false, route })
    }
  }
})

const isSubnetOf = (prefix: string, address: string): boolean => prefix === network(address)
