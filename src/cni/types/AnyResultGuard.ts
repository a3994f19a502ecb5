/**
 * Whether a value is a result of any version, as the schema in `AnyResult.ts` has it.
 * Written by `make guards`, not by hand.
 */
import { isReadonlyObject } from "effect/Predicate"
import type { AnyResult } from "./AnyResult.ts"

const isInterfaces = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["name"] === "string" &&
  (value["mac"] === undefined || typeof value["mac"] === "string" || value["mac"] === null) &&
  (value["mtu"] === undefined ||
    (typeof value["mtu"] === "number" && Number.isSafeInteger(value["mtu"])) ||
    value["mtu"] === null) &&
  (value["sandbox"] === undefined || typeof value["sandbox"] === "string" || value["sandbox"] === null) &&
  (value["socketPath"] === undefined || typeof value["socketPath"] === "string" || value["socketPath"] === null) &&
  (value["pciID"] === undefined || typeof value["pciID"] === "string" || value["pciID"] === null)

const isIps = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["address"] === "string" &&
  (value["gateway"] === undefined || typeof value["gateway"] === "string" || value["gateway"] === null) &&
  (value["interface"] === undefined ||
    (typeof value["interface"] === "number" && Number.isSafeInteger(value["interface"])) ||
    value["interface"] === null)

const isRoutes = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["dst"] === "string" &&
  (value["gw"] === undefined || typeof value["gw"] === "string" || value["gw"] === null)

const isIp4 = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["ip"] === "string" &&
  (value["gateway"] === undefined || typeof value["gateway"] === "string" || value["gateway"] === null) &&
  (value["routes"] === undefined ||
    (Array.isArray(value["routes"]) && value["routes"].every((one: unknown) => isRoutes(one))) ||
    value["routes"] === null)

export const isAnyResult = (value: unknown): value is AnyResult =>
  isReadonlyObject(value) &&
  (value["cniVersion"] === undefined || typeof value["cniVersion"] === "string" || value["cniVersion"] === null) &&
  (value["interfaces"] === undefined ||
    (Array.isArray(value["interfaces"]) && value["interfaces"].every((one: unknown) => isInterfaces(one))) ||
    value["interfaces"] === null) &&
  (value["ips"] === undefined ||
    (Array.isArray(value["ips"]) && value["ips"].every((one: unknown) => isIps(one))) ||
    value["ips"] === null) &&
  (value["routes"] === undefined ||
    (Array.isArray(value["routes"]) && value["routes"].every((one: unknown) => isRoutes(one))) ||
    value["routes"] === null) &&
  (value["dns"] === undefined || isReadonlyObject(value["dns"]) || value["dns"] === null) &&
  (value["ip4"] === undefined || isIp4(value["ip4"]) || value["ip4"] === null) &&
  (value["ip6"] === undefined || isIp4(value["ip6"]) || value["ip6"] === null)
