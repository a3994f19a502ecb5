/**
 * The switch's end of a layer 3 port. IPAM's address is the container's; the switch's end gets the gateway of that
 * subnet, by which the container is reached. A prefix of one address reaches nobody: the switch gets a route to the
 * container then. Without a gateway the switch's end gets the address itself, as the original plugin did.
 * Routes outlive their interface in VPP, as holes: they are removed before it.
 */
import * as Effect from "effect/Effect"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type { Address } from "../vswitch/Vswitch.ts"
import { isIpv6 } from "./Address.ts"
import { type Step, step } from "./Batch.ts"
import { addDelAddress } from "./messages/Interface.ts"
import { addressDump, routeAddDel, routeDump } from "./messages/Ip.ts"
import { attached, routeOver } from "./Route.ts"
import type { Session } from "./Session.ts"

export interface Plan {
  /** For the switch's end: `10.1.2.1/24`. */
  readonly addresses: ReadonlyArray<string>
  /** To the container: `10.1.2.3`. */
  readonly routes: ReadonlyArray<string>
}

export const plan = (addresses: ReadonlyArray<Address>): Result.Result<Plan, string> =>
  Result.map(Result.all(addresses.map(planOne)), (plans) => ({
    addresses: plans.map(({ address }) => address),
    routes: plans.flatMap(({ route }) => (route === undefined ? [] : [route]))
  }))

const planOne = ({
  address,
  gateway
}: Address): Result.Result<{ readonly address: string; readonly route: string | undefined }, string> => {
  const own = IpInterface.fromString(address)
  if (Result.isFailure(own)) return Result.fail(`"${address}" is not an address with its prefix`)
  if (gateway === undefined) return Result.succeed({ address, route: undefined })
  const hop = NetAddress.ipFromString(gateway)
  if (Result.isFailure(hop)) return Result.fail(`gateway "${gateway}" is not an address`)
  const { address: container, prefixLength } = own.success
  const whole = isIpv6(address) ? 128 : 32
  const covered = prefixLength < whole && IpNetwork.contains(IpNetwork.fromInterface(own.success), hop.success)
  return Result.succeed(
    covered
      ? { address: `${gateway}/${prefixLength}`, route: undefined }
      : { address: `${gateway}/${whole}`, route: NetAddress.formatIp(container) }
  )
}

export const addAddresses = (index: number, { addresses }: Plan): ReadonlyArray<Step> =>
  addresses.map((prefix) => step(addDelAddress, { sw_if_index: index, is_add: true, del_all: false, prefix }))

/** Only after the addresses are there: by them a later DEL knows that there are routes. */
export const addRoutes = (index: number, { routes }: Plan): ReadonlyArray<Step> =>
  routes.map((to) => step(routeAddDel, { is_add: true, is_multipath: false, route: routeTo(index, to) }))

const whole = (address: string): string => `${address}/${isIpv6(address) ? 128 : 32}`

/** To one address, as attached: VPP answers ARP only to neighbours whose own address is attached. */
const routeTo = (index: number, address: string) => routeOver(index, whole(address), attached, isIpv6(address))

export const addressesOf = Effect.fnUntraced(function* (session: Session, index: number) {
  const four = yield* session.dump(addressDump, { sw_if_index: index, is_ipv6: false })
  const six = yield* session.dump(addressDump, { sw_if_index: index, is_ipv6: true })
  return [...four, ...six].map(({ prefix }) => prefix)
})

/** Link-local addresses are not listed, so that the absence of any other IPv6 address tells nothing. */
const reachesMore6 = (address: string): boolean => isIpv6(address) && !address.endsWith("/128")

/**
 * Removes the routes that lead over an interface. The tables are only asked for when the interface has an address that
 * reaches nobody, because a node can have very many routes. Returns what it removed.
 */
export const removeRoutes = Effect.fnUntraced(function* (session: Session, index: number) {
  const own = yield* addressesOf(session, index)
  const removed: Array<string> = []
  for (const is_ip6 of [false, true]) {
    if (is_ip6 ? own.some(reachesMore6) : !own.some((address) => address.endsWith("/32"))) continue
    const routes = yield* session.dump(routeDump, { table: { table_id: 0, is_ip6, name: "" } })
    for (const { route } of routes) {
      const [address = "", length] = route.prefix.split("/")
      const leads = route.paths.some(({ sw_if_index, type }) => sw_if_index === index && type === 0)
      if (!leads || length !== (is_ip6 ? "128" : "32") || own.includes(route.prefix)) continue
      yield* session.call(routeAddDel, { is_add: false, is_multipath: false, route: routeTo(index, address) })
      removed.push(`route to ${address}`)
    }
  }
  return removed
})
