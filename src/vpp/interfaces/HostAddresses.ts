/**
 * The switch's end of a layer 3 port. IPAM's address is the container's; the switch's end gets the gateway of that
 * subnet. With a prefix of one address, the switch also gets a route to the container. Without a gateway the switch's
 * end gets the address itself, as in the original plugin. Routes outlive their interface in VPP, so they are removed
 * before it.
 */
import * as Effect from "effect/Effect"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type { Address } from "../../vswitch/Vswitch.ts"
import { ask, type Session, type Step, step } from "../client/Session.ts"
import { every } from "../messages/Control.ts"
import { isIpv6 } from "../messages/Field.ts"
import { addDelAddress } from "../messages/Interface.ts"
import { addressDump, attached, normal, routeAddDel, routeDump, routeLookup, routeOver } from "../messages/Ip.ts"
import { byIndex } from "./Interfaces.ts"

export interface Plan {
  /** Addresses of the switch's end, each once, in VPP's form: `10.1.2.1/24`. */
  readonly addresses: ReadonlyArray<string>
  /** Routes to the container, in the same form: `10.1.2.3`. */
  readonly routes: ReadonlyArray<string>
}

/** Two addresses of a container can have the same gateway, which is one address of the switch's end. */
export const plan = (addresses: ReadonlyArray<Address>): Result.Result<Plan, string> =>
  Result.map(Result.all(addresses.map(planOne)), (plans) => ({
    addresses: [...new Set(plans.map(({ address }) => address))],
    routes: [...new Set(plans.flatMap(({ route }) => (route === undefined ? [] : [route])))]
  }))

const planOne = ({
  address,
  gateway
}: Address): Result.Result<{ readonly address: string; readonly route: string | undefined }, string> => {
  const own = IpInterface.fromString(address)
  if (Result.isFailure(own)) return Result.fail(`"${address}" is not an address with its prefix`)
  const { address: container, prefixLength } = own.success
  const at = NetAddress.formatIp(container)
  if (gateway === undefined) return Result.succeed({ address: `${at}/${prefixLength}`, route: undefined })
  const hop = NetAddress.ipFromString(gateway)
  if (Result.isFailure(hop)) return Result.fail(`gateway "${gateway}" is not an address`)
  const end = NetAddress.formatIp(hop.success)
  if (isIpv6(at) !== isIpv6(end)) return Result.fail(`gateway "${gateway}" of "${address}" is of another family`)
  const covered =
    `${at}/${prefixLength}` !== whole(at) && IpNetwork.contains(IpNetwork.fromInterface(own.success), hop.success)
  return Result.succeed(
    covered ? { address: `${end}/${prefixLength}`, route: undefined } : { address: whole(end), route: at }
  )
}

export const addAddresses = (index: number, { addresses }: Plan): ReadonlyArray<Step> =>
  addresses.map((prefix) => step(addDelAddress, { sw_if_index: index, is_add: true, del_all: false, prefix }))

/** Routes come after the addresses, which tell a later DEL that there are routes. */
export const addRoutes = (index: number, { routes }: Plan): ReadonlyArray<Step> =>
  routes.map((to) => step(routeAddDel, { is_add: true, is_multipath: false, route: routeTo(index, to) }))

const whole = (address: string): string => `${address}/${isIpv6(address) ? 128 : 32}`

/** A route to one address, as attached: VPP replies to ARP only from neighbours whose own address is attached. */
const routeTo = (index: number, address: string) => routeOver(index, whole(address), attached, isIpv6(address))

type Route = Parameters<typeof routeAddDel.fields.write>[1]["route"]

/** Returns the routes to exactly these addresses. */
const lookup = Effect.fnUntraced(function* (session: Session, routes: ReadonlyArray<string>) {
  if (routes.length === 0) return []
  const asks = routes.map((to) => ask(routeLookup, { table_id: 0, exact: 1, prefix: whole(to) }))
  const answers = yield* session.read(asks)
  return answers.flatMap(({ retval, route }) => (retval === 0 ? [route] : []))
})

/** Returns the indices of the interfaces of a route. */
const over = ({ paths }: Route): ReadonlyArray<number> =>
  paths.flatMap(({ sw_if_index, type }) => (type === normal && sw_if_index !== every ? [sw_if_index] : []))

/**
 * Returns the first of the container's addresses that is routed to an interface other than `own`, and that interface. A
 * route over an interface that no longer exists leads nowhere, and VPP would pass it on to the next interface with that
 * index; it is removed.
 */
export const takenRoute = Effect.fnUntraced(function* (session: Session, routes: ReadonlyArray<string>, own?: number) {
  for (const route of yield* lookup(session, routes)) {
    const others = over(route).filter((index) => index !== own)
    for (const index of others) {
      const there = yield* byIndex(session, index)
      if (there !== undefined) return { to: route.prefix, name: there.interface_name }
    }
    // Without the path, because VPP would look up its interface.
    const alone = { ...route, paths: [] }
    if (others.length > 0) yield* session.call(routeAddDel, { is_add: false, is_multipath: false, route: alone })
  }
  return undefined
})

/** Returns the container's addresses that are not routed over this interface. */
export const missingRoutes = Effect.fnUntraced(function* (session: Session, { routes }: Plan, own: number) {
  const found = yield* lookup(session, routes)
  const leads = found.filter((route) => over(route).includes(own)).map(({ prefix }) => prefix)
  return routes.filter((to) => !leads.includes(whole(to)))
})

export const addressesOf = Effect.fnUntraced(function* (session: Session, index: number) {
  const four = yield* session.dump(addressDump, { sw_if_index: index, is_ipv6: false })
  const six = yield* session.dump(addressDump, { sw_if_index: index, is_ipv6: true })
  return [...four, ...six].map(({ prefix }) => prefix)
})

/** The routes are unknown. */
export const unknownRoutes = "unknown"

/**
 * Removes the routes over an interface: the given ones, or all. A route with other paths keeps them. Returns what it
 * removed.
 */
export const removeRoutes = Effect.fnUntraced(function* (
  session: Session,
  index: number,
  known: ReadonlyArray<string> | typeof unknownRoutes
) {
  const removed: Array<string> = []
  for (const route of yield* known === unknownRoutes ? search(session, index) : lookup(session, known)) {
    if (!over(route).includes(index)) continue
    const others = route.paths.filter(({ sw_if_index }) => sw_if_index !== index)
    const left = { ...route, paths: others.length === 0 ? route.paths : others }
    yield* session.call(routeAddDel, { is_add: others.length > 0, is_multipath: false, route: left })
    removed.push(`route to ${route.prefix.replace(/\/\d+$/, "")}`)
  }
  return removed
})

/**
 * For an ADD that did not complete, or whose record is lost. A route of the plugin has its gateway as an address of the
 * interface. Link-local addresses are not listed, so IPv6 routes are always searched; a node has fewer of them.
 */
const search = Effect.fnUntraced(function* (session: Session, index: number) {
  const own = yield* addressesOf(session, index)
  const found: Array<Route> = []
  for (const is_ip6 of [false, true]) {
    if (!is_ip6 && !own.some((address) => address.endsWith("/32"))) continue
    const routes = yield* session.dump(routeDump, { table: { table_id: 0, is_ip6, name: "" } })
    const longest = is_ip6 ? "/128" : "/32"
    for (const { route } of routes) {
      if (route.prefix.endsWith(longest) && !own.includes(route.prefix) && over(route).includes(index))
        found.push(route)
    }
  }
  return found
})
