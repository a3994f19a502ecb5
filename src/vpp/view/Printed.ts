/** VPP's printed buffers and memifs, which are in no message (src/vlib/buffer.c, src/plugins/memif/cli.c). Pure. */
import type { VppView } from "../../vswitch/View.ts"

/** `default-numa-0  0  0  2304  2048  8192  8191  0  1`: available and cached ones are free. */
const pool = /^(\S+)\s+\d+\s+\S+\s+\d+\s+\d+\s+(\d+)\s+(\d+)\s+(\d+)\s+\d+\s*$/

export const buffersIn = (text: string): NonNullable<VppView["buffers"]> =>
  text.split("\n").flatMap((line) => {
    const [, name = "", total, available, cached] = pool.exec(line) ?? []
    return total === undefined ? [] : [{ pool: name, total: Number(total), free: Number(available) + Number(cached) }]
  })

interface PrintedMemif {
  /** Null: nobody is connected. */
  readonly queues: string | null
  readonly rings: string | null
}

/** Each memif by its name. The API has the sizes that were asked for, of a slave; these are those in use. */
export const memifsIn = (text: string): ReadonlyMap<string, PrintedMemif> =>
  new Map(
    text
      .split(/^interface (?=\S)/m)
      .slice(1)
      .map((block) => [block.split(/\s/)[0] ?? "", memifIn(block)])
  )

const memifIn = (block: string): PrintedMemif => {
  const [, toMaster, toSlave, buffer] = /num-s2m-rings (\d+) num-m2s-rings (\d+) buffer-size (\d+)/.exec(block) ?? []
  const sizes = new Set([...block.matchAll(/\bring-size (\d+)/g)].map(([, size]) => size))
  return sizes.size === 0 || toMaster === undefined
    ? { queues: null, rings: null }
    : {
        queues: `${toMaster} to the master, ${toSlave} to the slave`,
        // A master takes its buffers from the slave, and prints 0.
        rings: `${[...sizes].join(" and ")} descriptors${buffer === "0" ? "" : `, buffers of ${buffer} bytes`}`
      }
}
