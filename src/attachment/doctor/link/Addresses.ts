/** The addresses of an attachment: those in the container config, and the IPAM plugin's CHECK. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { Ipam } from "../../../ipam/Ipam.ts"
import type { IpamError } from "../../../ipam/IpamError.ts"
import { listOf, objectOf, parsed } from "../../../platform/text/Json.ts"
import { SharedDir } from "../../../shared-dir/SharedDir.ts"
import { type Call, delegation } from "../../Call.ts"
import type { Record } from "../../records/Record.ts"
import { found, type Judged, unknown, unseen, well } from "../findings/Finding.ts"

export interface Addresses {
  readonly told: ReadonlyArray<string>
  /** Undefined: the network has no IPAM plugin. */
  readonly check: Result.Result<void, IpamError> | undefined
}

export const look = Effect.fnUntraced(function* (call: Call, record: Record) {
  const ipam = yield* Ipam
  const sharedDir = yield* SharedDir
  const text = yield* Effect.orElseSucceed(sharedDir.readConfig(record.place), () => undefined)
  const delegate = delegation(call)
  const addresses: Addresses = {
    told: addressesIn(text ?? ""),
    check: delegate === undefined ? undefined : yield* Effect.result(ipam.check(delegate))
  }
  return addresses
})

/** A container can write to this file, so its content is only shown. */
const addressesIn = (text: string): ReadonlyArray<string> => {
  const { ips } = objectOf(objectOf(parsed(text))["ipResult"])
  return listOf(ips).flatMap((one) => {
    const { address } = objectOf(one)
    return Predicate.isString(address) ? [address] : []
  })
}

export const judge = ({ check, told }: Addresses, values: { readonly [name: string]: string }): Judged => {
  const link = "addresses"
  const words = told.length === 0 ? "none are told to the container" : told.join(", ")
  if (check === undefined) return well(link, "the network has no IPAM plugin")
  if (Result.isSuccess(check)) return well(link, words)
  const { failed, reason } = check.failure
  // static and dhcp compare with the result of ADD, which only a runtime remembers.
  if (reason._tag === "Refused" && /prevResult missing/i.test(reason.msg)) return unknown(link, `${words}; not checked`)
  return reason._tag === "Refused" ? found(link, "address-lost", `${words}; ${failed}`, values) : unseen(link, failed)
}
