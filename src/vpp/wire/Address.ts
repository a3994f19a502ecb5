/**
 * Addresses in VPP API messages. `mac_address` is six bytes; `address` is a family and 16 bytes, of which an IPv4
 * address uses the first four; `prefix` adds a length. Pure. VPP: src/vnet/ip/ip_types.api.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { as, octets, SchemaMismatch, struct, u8 } from "./Field.ts"

const ip4 = 0
const ip6 = 1

const toText = (family: number, bytes: Uint8Array): string => {
  if (family === ip4) return NetAddress.formatIp(NetAddress.ipv4FromBytesUnsafe(bytes.subarray(0, 4)))
  if (family === ip6) return NetAddress.formatIp(NetAddress.ipv6FromBytesUnsafe(bytes))
  throw new SchemaMismatch(`address family is ${family}, not 0 or 1`)
}

const toBytes = (text: string): { readonly family: number; readonly bytes: Uint8Array } => {
  const parsed = NetAddress.ipFromString(text)
  if (Result.isFailure(parsed)) throw new SchemaMismatch(`"${text}" is not an address`)
  const bytes = new Uint8Array(16)
  const address = parsed.success
  bytes.set(NetAddress.isIpv4Address(address) ? NetAddress.ipv4ToOctets(address) : NetAddress.ipv6ToOctets(address))
  return { family: NetAddress.isIpv4Address(address) ? ip4 : ip6, bytes }
}

export const isIpv6 = (text: string): boolean => text.includes(":")

const rawPrefix = struct({ address: struct({ af: u8, un: octets(16) }), len: u8 })

/** `10.1.2.3/24`, `fd00::3/64`. */
export const prefix = as(
  rawPrefix,
  ({ address, len }) => `${toText(address.af, address.un)}/${len}`,
  (text: string) => {
    const [address = "", length = ""] = text.split("/")
    const { bytes, family } = toBytes(address)
    const longest = family === ip4 ? 32 : 128
    if (!/^\d{1,3}$/.test(length) || Number(length) > longest)
      throw new SchemaMismatch(`"${text}" is not an address/length`)
    return { address: { af: family, un: bytes }, len: Number(length) }
  }
)

/** `02:fe:00:00:00:01`. */
export const mac = as(
  octets(6),
  (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":"),
  (text: string) => {
    if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) throw new SchemaMismatch(`"${text}" is not a MAC address`)
    return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16))
  }
)

/** VPP chooses one. */
export const anyMac = "00:00:00:00:00:00"
