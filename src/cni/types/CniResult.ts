/**
 * The result of an attachment, and its form in each version of the specification: ADD's output, `prevResult`, the
 * output of IPAM plugins. The newest form is used internally; addresses keep their text. CNI specification 1.1.0,
 * section 5 (Success); 0.1.0 to 0.4.0 for the older forms.
 */
import type { AnyResult } from "./AnyResult.ts"
import { atLeast, type CniVersion } from "./Versions.ts"

interface ResultInterface {
  readonly name: string
  readonly mac?: string
  readonly mtu?: number
  readonly sandbox?: string
  readonly socketPath?: string
  readonly pciID?: string
}

interface ResultIp {
  /** With prefix length: `10.1.2.3/24`. */
  readonly address: string
  readonly gateway?: string
  /** Index into `interfaces`. */
  readonly interface?: number
}

export interface CniResult {
  readonly interfaces: ReadonlyArray<ResultInterface>
  readonly ips: ReadonlyArray<ResultIp>
  readonly routes: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly dns: Readonly<Record<string, unknown>>
}

export const emptyResult: CniResult = { interfaces: [], ips: [], routes: [], dns: {} }

export const fromAnyResult = (any: AnyResult): CniResult => {
  const old = [any.ip4, any.ip6].flatMap((ip) => (ip ? [ip] : []))
  return {
    interfaces: (any.interfaces ?? []).map(({ mac, mtu, name, pciID, sandbox, socketPath }) => ({
      name,
      ...(mac ? { mac } : {}),
      ...(mtu ? { mtu } : {}),
      ...(sandbox ? { sandbox } : {}),
      ...(socketPath ? { socketPath } : {}),
      ...(pciID ? { pciID } : {})
    })),
    ips: [
      ...(any.ips ?? []).map((ip) => ({
        address: ip.address,
        ...(ip.gateway ? { gateway: ip.gateway } : {}),
        ...(typeof ip.interface === "number" ? { interface: ip.interface } : {})
      })),
      ...old.map(({ gateway, ip }) => ({ address: ip, ...(gateway ? { gateway } : {}) }))
    ],
    routes: [...(any.routes ?? []), ...old.flatMap(({ routes }) => routes ?? [])].map(dropNull),
    dns: any.dns ?? {}
  }
}

const dropNull = (value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null))

/** 4 or 6, from the text of an address. */
export const family = (address: string): "4" | "6" => (address.includes(":") ? "6" : "4")

/** Returns the JSON document in the form of `version`. */
export const inVersion = (version: CniVersion, result: CniResult): Readonly<Record<string, unknown>> => {
  if (!atLeast(version, "0.3.0")) return oldForm(version, result)
  const newest = atLeast(version, "1.1.0")
  const withFamily = !atLeast(version, "1.0.0")
  return {
    cniVersion: version,
    interfaces: result.interfaces.map(({ mtu, socketPath, pciID, ...rest }) =>
      newest
        ? {
            ...rest,
            ...(mtu === undefined ? {} : { mtu }),
            ...(socketPath === undefined ? {} : { socketPath }),
            ...(pciID === undefined ? {} : { pciID })
          }
        : rest
    ),
    ...(result.ips.length === 0
      ? {}
      : { ips: result.ips.map((ip) => (withFamily ? { version: family(ip.address), ...ip } : ip)) }),
    ...(result.routes.length === 0
      ? {}
      : { routes: result.routes.map((route) => (newest ? route : plainRoute(route))) }),
    dns: result.dns
  }
}

/** mtu, advmss, priority, table and scope exist since 1.1.0. */
const plainRoute = ({ dst, gw }: Readonly<Record<string, unknown>>) => ({ dst, ...(gw === undefined ? {} : { gw }) })

/** The form of 0.1.0 and 0.2.0: one address of each family with its routes, no interfaces. */
const oldForm = (version: CniVersion, result: CniResult) => {
  const one = (wanted: "4" | "6") => {
    const ip = result.ips.find(({ address }) => family(address) === wanted)
    if (ip === undefined) return {}
    const routes = result.routes.filter(({ dst }) => family(String(dst)) === wanted).map(plainRoute)
    return {
      [`ip${wanted}`]: {
        ip: ip.address,
        ...(ip.gateway === undefined ? {} : { gateway: ip.gateway }),
        ...(routes.length === 0 ? {} : { routes })
      }
    }
  }
  return { cniVersion: version, ...one("4"), ...one("6"), dns: result.dns }
}

/** Appends to the interfaces of the preceding plugins, so that their indices stay valid. */
export const chained = (previous: CniResult, own: CniResult): CniResult => ({
  interfaces: [...previous.interfaces, ...own.interfaces],
  ips: [...previous.ips, ...own.ips.map((ip) => ({ ...ip, interface: previous.interfaces.length }))],
  routes: [...previous.routes, ...own.routes],
  dns: Object.keys(own.dns).length > 0 ? own.dns : previous.dns
})
