/**
 * host-local in memory, as a program that is run, with its rules and messages. The demonstration and the tests run the
 * real delegation on it. It assigns the addresses of the configuration in order, remembers their holders, and shows its
 * leases.
 */
import * as Result from "effect/Result"
import type { CniResult } from "../../../src/cni/types/CniResult.ts"
import type { Ended, Run } from "../../../src/platform/Processes.ts"
import { type Pool, readPool, type Span } from "./Ranges.ts"

/** The state, which several layers can share and which outlives them. */
export class MemoryLeases {
  /** Address with its network, to its holder. */
  private readonly leases = new Map<string, string>()
  private readonly lastGiven = new Map<string, bigint>()

  /** One line for each lease: equal dumps are equal states. */
  dump(): ReadonlyArray<string> {
    return [...this.leases].map(([address, holder]) => `${address} ${holder}`).sort()
  }

  become(other: MemoryLeases): void {
    this.leases.clear()
    this.lastGiven.clear()
    for (const [address, holder] of other.leases) this.leases.set(address, holder)
    for (const [place, address] of other.lastGiven) this.lastGiven.set(place, address)
  }

  held(network: string, holder: string): ReadonlyArray<string> {
    return [...this.leases].flatMap(([key, by]) =>
      by === holder && key.startsWith(`${network} `) ? [key.slice(network.length + 1)] : []
    )
  }

  release(network: string, holder: string): void {
    for (const address of this.held(network, holder)) this.leases.delete(`${network} ${address}`)
  }

  /** The next free address after the last assigned one, round the set. */
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

/** Its path on a node in memory, along CNI_PATH. */
export const program = "/opt/cni/bin/host-local"

/** One run of it, to its end. */
export const hostLocal = (leases: MemoryLeases, run: Pick<Run, "env" | "stdin">): Ended =>
  Result.match(answer(leases, run), {
    onSuccess: (document) => ended(0, document),
    // The form of Go's skeleton for an error without a code.
    onFailure: (msg) => ended(1, { cniVersion: versions[0], code: 999, msg })
  })

const versions = ["1.0.0", "0.4.0", "0.3.1", "0.3.0", "0.2.0", "0.1.0"]

const ended = (status: number, document: unknown): Ended => ({
  status,
  stdout: document === undefined ? "" : JSON.stringify(document),
  stderr: ""
})

/** Its document, if it prints one, or the problem. */
const answer = (leases: MemoryLeases, { env, stdin }: Pick<Run, "env" | "stdin">): Result.Result<unknown, string> => {
  const verb = env["CNI_COMMAND"] ?? ""
  // It has nothing to do for these.
  if (verb === "GC" || verb === "STATUS") return Result.succeed(undefined)
  if (verb === "VERSION") return Result.succeed({ cniVersion: versions[0], supportedVersions: versions })
  return Result.flatMap(readPool(stdin), (pool): Result.Result<unknown, string> => {
    const { network } = pool
    const holder = holderOf(env)
    switch (verb) {
      case "ADD":
        return Result.map(allocate(leases, pool, env), (result) => ({ cniVersion: versions[0], ...result }))
      case "DEL":
        leases.release(network, holder)
        return Result.succeed(undefined)
      case "CHECK":
        return leases.held(network, holder).length > 0
          ? Result.succeed(undefined)
          : Result.fail(`host-local: Failed to find address added by container ${idOf(env)}`)
      default:
        return Result.fail(`unknown CNI_COMMAND: ${verb}`)
    }
  })
}

type Environment = Run["env"]

const idOf = (env: Environment): string => env["CNI_CONTAINERID"] ?? ""
const holderOf = (env: Environment): string => `${idOf(env)} ${env["CNI_IFNAME"] ?? ""}`

const allocate = (
  leases: MemoryLeases,
  { network, routes, sets }: Pool,
  env: Environment
): Result.Result<CniResult, string> => {
  const holder = holderOf(env)
  const ips: Array<CniResult["ips"][number]> = []
  const failed = (index: number, why: string) => Result.fail(`failed to allocate for range ${index}: ${why}`)
  const [already] = leases.held(network, holder)
  if (already !== undefined) {
    return failed(0, `${already} has been allocated to ${idOf(env)}, duplicate allocation is not allowed`)
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
  return Result.succeed({ interfaces: [], ips, routes, dns: {} })
}
