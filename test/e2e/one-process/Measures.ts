/** The open descriptors and the memory of an idle process. For bun. */

import { heapStats } from "bun:jsc"
import { readdirSync, readlinkSync } from "node:fs"
import { Effect, Schedule } from "effect"
import type { Measure } from "./Order.ts"

const mebi = (bytes: number) => Math.round((bytes / 2 ** 20) * 10) / 10

/**
 * `socket`, `pipe`, `anon_inode:[eventpoll]`, or the file's name. The directory that is read here is closed by then.
 */
const kindOf = (name: string) =>
  Effect.match(
    Effect.try(() => readlinkSync(`/proc/self/fd/${name}`)),
    { onFailure: () => [], onSuccess: (link) => [link.replace(/^(socket|pipe):.*/, "$1")] }
  )

const open = Effect.map(
  Effect.suspend(() => Effect.forEach(readdirSync("/proc/self/fd"), kindOf)),
  (kinds) => kinds.flat().sort()
)

const now = Effect.map(open, (descriptors): Measure => {
  Bun.gc(true)
  const { heapSize, objectCount, objectTypeCounts } = heapStats()
  return {
    descriptors,
    timers: (objectTypeCounts["Timeout"] ?? 0) + (objectTypeCounts["Immediate"] ?? 0),
    heapMiB: mebi(heapSize),
    objects: objectCount,
    residentMiB: mebi(process.memoryUsage.rss())
  }
})

/**
 * Measures at rest: sessions that are kept for a second are closed, garbage is collected. `before`: an earlier measure,
 * for which it waits a while longer.
 */
export const atRest = Effect.fnUntraced(function* (before?: Measure) {
  let last = yield* now
  const steady = Effect.map(now, (next) => {
    const same = next.descriptors.length >= last.descriptors.length && next.objects >= last.objects
    last = next
    return same && next.descriptors.length <= (before?.descriptors.length ?? next.descriptors.length)
  })
  // Of this process: the deadline of `lastSeen` would be one timer more.
  yield* Effect.repeat(steady, { until: (same) => same, schedule: Schedule.spaced("1200 millis"), times: 50 })
  return last
})
