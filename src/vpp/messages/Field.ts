import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/**
 * The codec of one value in a VPP API message: big-endian, packed, without padding. It knows no message and no socket.
 * A value that does not fit throws a {@link SchemaMismatch}, which `Message.ts` turns into a Result. VPP:
 * src/vlibapi/api_types.h and the `types`, `enums`, `aliases` of the *.api.json files.
 */
/** The layout in the definitions (*.api.json), with aliases and enums resolved. */
export type Layout =
  | string
  | { readonly of: Layout; readonly count: number }
  | { readonly of: Layout; readonly countName: string; readonly countLayout: Layout }
  | ReadonlyArray<readonly [name: string, layout: Layout]>

/** A value that cannot be encoded, or bytes that cannot be decoded. Thrown inside the codec only. */
export class SchemaMismatch extends Error {}

interface Writer {
  bytes: Buffer
  at: number
  /** The current field, for the error. */
  field: string
}

interface Reader {
  readonly bytes: Buffer
  at: number
  field: string
}

export interface Field<A> {
  /** The layout of the API definitions: compared by `scripts/vpp-api.ts`. */
  readonly layout: Layout
  readonly write: (to: Writer, value: A) => void
  readonly read: (from: Reader) => A
}

/** Reserves `length` bytes and returns their offset. */
const room = (to: Writer, length: number): number => {
  const at = to.at
  to.at += length
  if (to.at > to.bytes.length) {
    const larger = Buffer.alloc(Math.max(to.at, to.bytes.length * 2))
    to.bytes.copy(larger, 0, 0, at)
    to.bytes = larger
  }
  return at
}

const take = (from: Reader, length: number): number => {
  const at = from.at
  if (at + length > from.bytes.length) {
    throw new SchemaMismatch(`ends inside ${from.field}: ${from.bytes.length - at} bytes are left of ${length}`)
  }
  from.at += length
  return at
}

const inRange = ({ field }: Writer, value: number, minimum: number, maximum: number): number => {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value
  throw new SchemaMismatch(`${field} is ${value}, not ${minimum} to ${maximum}`)
}

const integer = (
  layout: string,
  size: number,
  minimum: number,
  maximum: number,
  native: "UInt8" | "UInt16BE" | "UInt32BE" | "Int32BE"
): Field<number> => ({
  layout,
  write: (to, value) => {
    inRange(to, value, minimum, maximum)
    const at = room(to, size)
    to.bytes[`write${native}`](value, at)
  },
  read: (from) => from.bytes[`read${native}`](take(from, size))
})

export const u8 = integer("u8", 1, 0, 0xff, "UInt8")
export const u16 = integer("u16", 2, 0, 0xffff, "UInt16BE")
export const u32 = integer("u32", 4, 0, 0xffffffff, "UInt32BE")
export const i32 = integer("i32", 4, -0x80000000, 0x7fffffff, "Int32BE")
/** As far as a number is exact: a larger one cannot be written, and is read rounded. */
export const u64: Field<number> = {
  layout: "u64",
  write: (to, value) => {
    inRange(to, value, 0, Number.MAX_SAFE_INTEGER)
    const at = room(to, 8)
    to.bytes.writeBigUInt64BE(BigInt(value), at)
  },
  read: (from) => Number(from.bytes.readBigUInt64BE(take(from, 8)))
}

export const bool: Field<boolean> = {
  layout: "bool",
  write: (to, value) => {
    const at = room(to, 1)
    to.bytes.writeUInt8(value ? 1 : 0, at)
  },
  read: (from) => from.bytes.readUInt8(take(from, 1)) !== 0
}

const textBytes = (to: Writer, value: string): Buffer => {
  if (value.includes("\0")) throw new SchemaMismatch(`${to.field} has a NUL in it`)
  return Buffer.from(value, "utf8")
}

/** `string[n]`: padded with NULs, at least one. VPP would truncate a longer one silently; it is refused. */
export const text = (size: number): Field<string> => ({
  layout: `string[${size}]`,
  write: (to, value) => {
    const bytes = textBytes(to, value)
    if (bytes.length >= size)
      throw new SchemaMismatch(`${to.field} has ${bytes.length} bytes, of which ${size - 1} fit`)
    const at = room(to, size)
    to.bytes.fill(0, at, at + size)
    bytes.copy(to.bytes, at)
  },
  read: (from) => {
    const at = take(from, size)
    const end = from.bytes.indexOf(0, at)
    return from.bytes.toString("utf8", at, end === -1 || end > at + size ? at + size : end)
  }
})

/** `string[]`: a u32 length, then the bytes, without a NUL. It is always the last field. */
export const trailingText: Field<string> = {
  layout: "string[]",
  write: (to, value) => {
    const bytes = textBytes(to, value)
    u32.write(to, bytes.length)
    const at = room(to, bytes.length)
    bytes.copy(to.bytes, at)
  },
  read: (from) => {
    const length = u32.read(from)
    const at = take(from, length)
    return from.bytes.toString("utf8", at, at + length)
  }
}

/** `u8[n]`. */
export const octets = (size: number): Field<Uint8Array> => ({
  layout: `u8[${size}]`,
  write: (to, value) => {
    if (value.length !== size) throw new SchemaMismatch(`${to.field} has ${value.length} bytes, not ${size}`)
    const at = room(to, size)
    to.bytes.set(value, at)
  },
  read: (from) => {
    const at = take(from, size)
    return from.bytes.subarray(at, at + size)
  }
})

/** A fixed number of values. */
export const times = <A>(count: number, of: Field<A>): Field<ReadonlyArray<A>> => ({
  layout: { of: of.layout, count },
  write: (to, values) => {
    if (values.length !== count) throw new SchemaMismatch(`${to.field} has ${values.length} elements, not ${count}`)
    for (const value of values) of.write(to, value)
  },
  read: (from) => Array.from({ length: count }, () => of.read(from))
})

/** A count, directly followed by as many values. The count is a separate field in the definitions. */
export const counted = <A>(countName: string, count: Field<number>, of: Field<A>): Field<ReadonlyArray<A>> => ({
  layout: { of: of.layout, countName, countLayout: count.layout },
  write: (to, values) => {
    count.write(to, values.length)
    for (const value of values) of.write(to, value)
  },
  // Values are read one by one: an array of the announced length would be allocated before the message turns out to be
  // too short.
  read: (from) => {
    const values: Array<A> = []
    for (let left = count.read(from); left > 0; left--) values.push(of.read(from))
    return values
  }
})

/** Fields in the order of the object's keys. */
export const struct = <F extends Readonly<Record<string, unknown>>>(
  fields: {
    readonly [K in keyof F]: Field<F[K]>
  }
): Field<F> => {
  const entries: ReadonlyArray<readonly [string, Field<unknown>]> = Object.entries(fields)
  return {
    layout: entries.map(([name, { layout }]) => [name, layout] as const),
    write: (to, value: Readonly<Record<string, unknown>>) => {
      for (const [name, field] of entries) {
        to.field = name
        field.write(to, value[name])
      }
    },
    // The parameter's type describes each field; TypeScript does not follow it through fromEntries.
    read: (from) =>
      Object.fromEntries(
        entries.map(([name, field]) => {
          from.field = name
          return [name, field.read(from)]
        })
      ) as F
  }
}

/** The same bytes, with another representation. */
export const as = <A, B>(of: Field<A>, decode: (a: A) => B, encode: (b: B) => A): Field<B> => ({
  layout: of.layout,
  write: (to, value) => of.write(to, encode(value)),
  read: (from) => decode(of.read(from))
})

/**
 * Addresses: `address` is a family and 16 bytes, of which an IPv4 address uses the first four; `prefix` adds a length.
 * VPP: src/vnet/ip/ip_types.api.
 */
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
