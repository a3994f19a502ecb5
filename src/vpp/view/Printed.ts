/** VPP's printed buffers and memifs, which are in no message (src/vlib/buffer.c, src/plugins/memif/cli.c). Pure. */
import type { VppView } from "../../vswitch/View.ts"

/** `default-numa-0  0  0  2304  2048  8192  8191  0  1`: available and cached ones are free. */
const pool = /^(\S+)\s+\d+\s+\S+\s+\d+\s+\d+\s+(\d+)\s+(\d+)\s+(\d+)\s+\d+\s*$/

export const buffersIn = (text: string): NonNullable<VppView["buffers"]> =>
  text.split("\n").flatMap((line) => {
    const [, name = "", total, available, cached] = pool.exec(line) ?? []
    return total === undefined ? [] : [{ pool: name, total: Number(total), free: Number(available) + Number(cached) }]
  })

/** Queues of each memif by its name: from slave to master, and back. */
export const queuesIn = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  let name: string | undefined
  for (const line of text.split("\n")) {
    const [, next] = /^interface (\S+)/.exec(line) ?? []
    if (next !== undefined) name = next
    const [, toMaster, toSlave] = /num-s2m-rings (\d+) num-m2s-rings (\d+)/.exec(line) ?? []
    if (name === undefined || toMaster === undefined) continue
    if (toMaster !== "0" || toSlave !== "0") found.set(name, `${toMaster} to the master, ${toSlave} to the slave`)
  }
  return found
}
