/**
 * A stats segment as VPP lays it out (src/vlib/stats/shared.h, version 2): a directory, and vectors that VPP's pointers lead to.
 * Its interfaces are those that it is asked for; what they count is what the test says, for each thread.
 */

import type { PassedFile } from "../../../src/platform/PassedFile.ts"
import type { VppModel } from "../model/VppModel.ts"

export interface Counted {
  /** `/if/rx`: packets, or packets and bytes, one of it for each thread. */
  readonly [counter: string]: ReadonlyArray<bigint | readonly [packets: bigint, bytes: bigint]>
}

export interface StatsInterface {
  readonly index: number
  readonly name: string
  readonly counted?: Counted
}

interface Layout {
  readonly version?: bigint
  readonly epoch?: bigint
  readonly changing?: bigint
  readonly threads?: number
  /** Entries before those of the interfaces, which are of no interest. */
  readonly others?: number
}

const base = 0x7f6b8c058000n
export const simple = ["drops", "punt", "rx-no-buf", "rx-miss", "rx-error", "tx-error"].map((name) => `/if/${name}`)
export const combined = ["rx", "rx-unicast", "tx", "tx-unicast"].map((name) => `/if/${name}`)

export const segment = (interfaces: ReadonlyArray<StatsInterface>, layout: Layout = {}): Buffer => {
  const { changing = 0n, epoch = 7n, others = 300, threads = 1, version = 2n } = layout
  const parts: Array<Buffer> = [Buffer.alloc(64)]
  let end = 64
  const put = (bytes: Buffer): bigint => {
    const at = end
    parts.push(bytes)
    end += bytes.length
    return base + BigInt(at)
  }
  /** Its pointer: of the first element, after the header with their number. */
  const vector = (count: number, elements: Buffer): bigint => {
    const header = Buffer.alloc(16)
    header.writeUInt32LE(count, 8)
    return put(Buffer.concat([header, elements])) + 16n
  }
  const words = (values: ReadonlyArray<bigint>) => Buffer.from(new BigUint64Array(values).buffer)
  const pointers = (values: ReadonlyArray<bigint>) => vector(values.length, words(values))
  const byIndex = Array.from({ length: Math.max(-1, ...interfaces.map(({ index }) => index)) + 1 }, (_, index) =>
    interfaces.find((one) => one.index === index)
  )
  const counter = (name: string, each: 1 | 2) =>
    pointers(
      Array.from({ length: threads }, (_, thread) =>
        vector(
          byIndex.length,
          words(
            byIndex.flatMap((one) => {
              const value = one?.counted?.[name]?.[thread] ?? 0n
              return typeof value === "bigint" ? (each === 1 ? [value] : [value, 0n]) : [...value]
            })
          )
        )
      )
    )
  const entries: Array<readonly [name: string, value: bigint]> = [
    ...Array.from({ length: others }, (_, n) => [`/err/ip4-input/of no interest ${n}`, BigInt(n)] as const),
    ...simple.map((name) => [name, counter(name, 1)] as const),
    ...combined.map((name) => [name, counter(name, 2)] as const),
    ["/if/names", pointers(byIndex.map((one) => (one === undefined ? 0n : put(Buffer.from(`${one.name}\0`)))))],
    ...interfaces.map(({ name }) => [`/interfaces/${name}/rx`, 0n] as const)
  ]
  const directory = vector(
    entries.length,
    Buffer.concat(
      entries.map(([name, value]) => {
        const entry = Buffer.alloc(144)
        entry.writeBigUInt64LE(value, 8)
        entry.write(name, 16, "latin1")
        return entry
      })
    )
  )
  const whole = Buffer.concat(parts)
  words([version, base, epoch, changing, directory]).copy(whole)
  return whole
}

/** What a VPP in TypeScript gives: of its interfaces as they are now. It forwards nothing, and so it counts what a test says. */
export const ofModel = (model: VppModel, counts: ReadonlyMap<string, Counted> = new Map()): PassedFile =>
  passed(
    segment(
      [...model.interfaces.values()].map(({ row: { interface_name: name, sw_if_index: index } }) => {
        const counted = counts.get(name)
        return { index, name, ...(counted === undefined ? {} : { counted }) }
      })
    )
  )

export const passed = (bytes: Buffer): PassedFile => ({
  read: (at, into) => (at < bytes.length ? bytes.copy(into, 0, at) : 0)
})
