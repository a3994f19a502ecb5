/**
 * {@link Ipam} in memory, by host-local's rules and in its words: the demonstration and the tests run the real programs
 * on it. Gives the addresses of the configuration one after the other, remembers who has which, and shows its leases.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { CniResult } from "../cni/CniResult.ts"
import { type Delegation, Ipam } from "./Ipam.ts"
import { IpamError } from "./IpamError.ts"
import { type Pool, readPool, type Span } from "./Ranges.ts"

/** A state that several layers can be made of, and that outlives them. */
export class MemoryLeases {
  /** Address with its network, to its holder. */
  private readonly leases = new Map<string, string>()
  private readonly lastGiven = new Map<string, bigint>()

  /** One line a lease: two equal dumps are two equal states. */
  dump(): ReadonlyArray<string> {
    return [...this.leases].map(([address, holder]) => `${address} ${holder}`).sort()
  }

  held(network: string, holder: string): ReadonlyArray<string> {
    return [...this.leases].flatMap(([key, by]) =>
      by === holder && key.startsWith(`${network} `) ? [key.slice(network.length + 1)] : []
    )
  }

  release(network: string, holder: string): void {
    for (const address of this.held(network, holder)) this.leases.delete(`${network} ${address}`)
  }

  /** The next free address after the last one that was given, round the set. */
  next(network: string, set: ReadonlyArray<Span>, index: number, holder: string): readonly [Span, bigint] | undefined {
    const place = `${network} ${index}`
    const last = this.lastGiven.get(place)
    const at = set.findIndex(({ first, last: end }) => last !== undefined && first <= last && last <= end)
    const start = set[Math.max(at, 0)]
    if (start === undefined) return undefined
    const spans = [...set.slice(Math.max(at, 0)), ...set.slice(0, Math.max(at, 0)), start]
    for (const [turn, span] of spans.entries()) {
      const from = turn === 0 && at >= 0 && last !== undefined ? last + 1n : span.first
      for (let address = from; address <= span.last; address++) {
        const key = `${network} ${span.text(address)}`
        if (address === span.gateway || this.leases.has(key)) continue
        this.leases.set(key, holder)
        this.lastGiven.set(place, address)
        return [span, address]
      }
    }
    return undefined
  }
}

export const layer = (leases: MemoryLeases): Layer.Layer<Ipam> =>
  Layer.succeed(
    Ipam,
    Ipam.of({
      preflight: Effect.fn("Ipam.preflight")((delegation: Delegation) => content("ADD", delegation)),
      add: Effect.fn("Ipam.add")((delegation: Delegation) =>
        Effect.flatMap(poolOf("ADD", delegation), (pool) => allocate(leases, pool, delegation))
      ),
      del: Effect.fn("Ipam.del")((delegation: Delegation) =>
        Effect.map(poolOf("DEL", delegation), ({ network }) => leases.release(network, holderOf(delegation)))
      ),
      // Nobody else is at work here.
      ended: Effect.fn("Ipam.ended")(() => Effect.void),
      check: Effect.fn("Ipam.check")((delegation: Delegation) =>
        Effect.flatMap(poolOf("CHECK", delegation), ({ network }) =>
          leases.held(network, holderOf(delegation)).length > 0
            ? Effect.void
            : refused("CHECK", delegation, `host-local: Failed to find address added by container ${idOf(delegation)}`)
        )
      ),
      gc: Effect.fn("Ipam.gc")((delegation: Delegation) => content("GC", delegation)),
      status: Effect.fn("Ipam.status")((delegation: Delegation) => content("STATUS", delegation))
    })
  )

const idOf = ({ variables }: Delegation): string => variables["CNI_CONTAINERID"] ?? ""
const holderOf = (delegation: Delegation): string => `${idOf(delegation)} ${delegation.variables["CNI_IFNAME"] ?? ""}`

/** As Go's skeleton reports an error without a code of its own. */
const refused = (verb: IpamError["verb"], { plugin }: Delegation, msg: string): Effect.Effect<never, IpamError> =>
  Effect.fail(new IpamError({ plugin, verb, reason: { _tag: "Refused", code: 999, msg, details: "" } }))

/** host-local has nothing to do for GC and STATUS. */
const content = (verb: IpamError["verb"], { path, plugin }: Delegation): Effect.Effect<void, IpamError> =>
  plugin === "host-local"
    ? Effect.void
    : Effect.fail(new IpamError({ plugin, verb, reason: { _tag: "NotFound", path } }))

const poolOf = (verb: IpamError["verb"], delegation: Delegation): Effect.Effect<Pool, IpamError> =>
  Effect.andThen(
    content(verb, delegation),
    Result.match(readPool(delegation.configuration), {
      onFailure: (msg) => refused(verb, delegation, msg),
      onSuccess: (pool) => Effect.succeed(pool)
    })
  )

const allocate = (
  leases: MemoryLeases,
  { network, routes, sets }: Pool,
  delegation: Delegation
): Effect.Effect<CniResult, IpamError> => {
  const holder = holderOf(delegation)
  const ips: Array<CniResult["ips"][number]> = []
  const failed = (index: number, why: string) =>
    refused("ADD", delegation, `failed to allocate for range ${index}: ${why}`)
  const [already] = leases.held(network, holder)
  if (already !== undefined) {
    return failed(0, `${already} has been allocated to ${idOf(delegation)}, duplicate allocation is not allowed`)
  }
  for (const [index, set] of sets.entries()) {
    const given = leases.next(network, set, index, holder)
    if (given === undefined) {
      leases.release(network, holder)
      const ranges = set.map(({ first, last, text }) => `${text(first)}-${text(last)}`).join(",")
      return failed(index, `no IP addresses available in range set: ${ranges}`)
    }
    const [span, address] = given
    ips.push({ address: span.withPrefix(address), gateway: span.text(span.gateway) })
  }
  return Effect.succeed({ interfaces: [], ips, routes, dns: {} })
}
