/**
 * Which threads of ovs-vswitchd poll which port, from `ovs-appctl dpif-netdev/pmd-rxq-show`: the database does not have
 * it. Pure.
 */

const thread = /^pmd thread numa_id (-?\d+) core_id (-?\d+):/
const queue = /^\s+port:\s+(\S+)\s+queue-id:/

/** NUMA nodes by port. */
export const polling = (text: string): ReadonlyMap<string, ReadonlyArray<number>> => {
  const found = new Map<string, ReadonlyArray<number>>()
  let numa: number | undefined
  for (const line of text.split("\n")) {
    const [, id] = thread.exec(line) ?? []
    if (id !== undefined) numa = Number(id)
    const [, port] = queue.exec(line) ?? []
    if (port === undefined || numa === undefined || numa < 0) continue
    const known = found.get(port) ?? []
    if (!known.includes(numa)) found.set(port, [...known, numa])
  }
  return found
}
