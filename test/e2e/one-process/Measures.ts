/** What a process has open and holds in memory, when it has nothing to do. Of bun. */

import { heapStats } from "bun:jsc"
import { readdirSync } from "node:fs"
import { Effect, Schedule } from "effect"
import type { Measure } from "./Order.ts"

const mebi = (bytes: number) => Math.round((bytes / 2 ** 20) * 10) / 10

const now = Effect.sync((): Measure => {
  Bun.gc(true)
  const { heapSize, objectCount, objectTypeCounts } = heapStats()
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    timers: (objectTypeCounts["Timeout"] ?? 0) + (objectTypeCounts["Immediate"] ?? 0),
    heapMiB: mebi(heapSize),
    objects: objectCount,
    residentMiB: mebi(process.memoryUsage.rss())
  }
})

/** When it has come to rest: what is kept for a second is given up, what waits to be collected is. */
export const atRest = Effect.gen(function* () {
  let last = yield* now
  const settled = Effect.map(now, (next) => {
    const same = next.descriptors >= last.descriptors && next.objects >= last.objects
    last = next
    return same
  })
  yield* Effect.repeat(settled, { until: (same) => same, schedule: Schedule.spaced("1200 millis"), times: 8 })
  return last
})
