/**
 * The `ipam` section as host-local reads it, and its addresses: range sets, one address from each; first and last
 * address and gateway have defaults. Pure. Documentation of the host-local plugin, "Network configuration reference";
 * `IP` in CNI_ARGS, `dataDir` and `resolvConf` are omitted.
 */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const RangeFields = {
  rangeStart: Schema.optionalKey(Schema.String),
  rangeEnd: Schema.optionalKey(Schema.String),
  gateway: Schema.optionalKey(Schema.String)
}

const Range = Schema.Struct({ subnet: Schema.String, ...RangeFields })
type Range = typeof Range.Type

const Network = Schema.Struct({
  name: Schema.String,
  ipam: Schema.Struct({
    /** The older form: one range, without `ranges`. */
    subnet: Schema.optionalKey(Schema.String),
    ...RangeFields,
    ranges: Schema.optionalKey(Schema.Array(Schema.Array(Range))),
    routes: Schema.optionalKey(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))
  })
})

export interface Span {
  readonly first: bigint
  readonly last: bigint
  readonly gateway: bigint
  /** Converts a number in the span to text, without and with the prefix length. */
  readonly text: (address: bigint) => string
  readonly withPrefix: (address: bigint) => string
}

export interface Pool {
  readonly network: string
  readonly sets: ReadonlyArray<ReadonlyArray<Span>>
  readonly routes: ReadonlyArray<Readonly<Record<string, unknown>>>
}

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Network))

/** Fails with a sentence. */
export const readPool = (configuration: string): Result.Result<Pool, string> =>
  Result.flatMap(
    Result.mapError(decode(configuration), ({ message }) => message),
    ({ ipam: { ranges = [], routes = [], subnet, ...older }, name }) => {
      const written = subnet === undefined ? ranges : [[{ subnet, ...older }], ...ranges]
      if (written.length === 0) return Result.fail("no IP ranges specified")
      return Result.map(Result.all(written.map((set) => Result.all(set.map(span)))), (sets) => ({
        network: name,
        sets,
        routes
      }))
    }
  )

const span = ({ gateway, rangeEnd, rangeStart, subnet }: Range): Result.Result<Span, string> =>
  Result.flatMap(
    Result.mapError(IpNetwork.fromString(subnet), () => `invalid CIDR address: ${subnet}`),
    (network) => {
      if (network.prefixLength > NetAddress.width(network.address) - 2) {
        return Result.fail(`Network ${subnet} too small to allocate from`)
      }
      const base = toNumber(network.address)
      const last = toNumber(IpNetwork.lastAddress(network))
      const within = (what: string, written: string | undefined, otherwise: bigint): Result.Result<bigint, string> =>
        written === undefined
          ? Result.succeed(otherwise)
          : Result.flatMap(
              Result.mapError(NetAddress.ipFromString(written), () => `invalid IP address: ${written}`),
              (address) =>
                IpNetwork.contains(network, address)
                  ? Result.succeed(toNumber(address))
                  : Result.fail(`${what} ${written} not in network ${subnet}`)
            )
      const isV4 = NetAddress.isIpv4Address(network.address)
      const text = (address: bigint) => fromNumber(address, isV4)
      return Result.map(
        Result.all({
          first: within("RangeStart", rangeStart, base + 1n),
          // The broadcast address is not assigned; IPv6 has none.
          last: within("RangeEnd", rangeEnd, isV4 ? last - 1n : last),
          gateway: within("Gateway", gateway, base + 1n)
        }),
        (ends) => ({ ...ends, text, withPrefix: (address) => `${text(address)}/${network.prefixLength}` })
      )
    }
  )

const toNumber = (address: NetAddress.IpAddress): bigint =>
  (NetAddress.isIpv4Address(address) ? NetAddress.ipv4ToOctets(address) : NetAddress.ipv6ToOctets(address)).reduce(
    (number, octet) => (number << 8n) | BigInt(octet),
    0n
  )

const fromNumber = (number: bigint, isV4: boolean): string => {
  const bytes = Uint8Array.from({ length: isV4 ? 4 : 16 }, (_, index) =>
    Number((number >> BigInt(8 * ((isV4 ? 3 : 15) - index))) & 0xffn)
  )
  return NetAddress.formatIp(isV4 ? NetAddress.ipv4FromBytesUnsafe(bytes) : NetAddress.ipv6FromBytesUnsafe(bytes))
}
