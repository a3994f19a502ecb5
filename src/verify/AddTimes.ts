/** Quantiles: of times, and of the agent's histogram of ADD between two readings. Prometheus text format 0.0.4. Pure. */

/** `q`: 0 to 1. The value that so many are not above. */
export const quantile = (values: ReadonlyArray<number>, q: number): number | undefined => {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]
}

type Buckets = ReadonlyMap<number, number>

const line = /^userspace_cni_call_duration_seconds_bucket\{([^}]*)\} (\d+)/gm

const bucketsOf = (metrics: string): Buckets => {
  const buckets = new Map<number, number>()
  for (const [, labels = "", count] of metrics.matchAll(line)) {
    if (!/\bverb="ADD"/.test(labels)) continue
    const [, le = "+Inf"] = /\ble="([^"]+)"/.exec(labels) ?? []
    const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le)
    buckets.set(bound, (buckets.get(bound) ?? 0) + Number(count))
  }
  return buckets
}

export interface AddTimes {
  readonly count: number
  /** Seconds. */
  readonly p50: number
  readonly p99: number
}

/** Interpolated within a bucket, as Prometheus' `histogram_quantile` does. Undefined: no ADD in between. */
export const addTimes = (before: string, after: string): AddTimes | undefined => {
  const earlier = bucketsOf(before)
  const buckets = [...bucketsOf(after)]
    .map(([bound, count]) => ({ bound, count: count - (earlier.get(bound) ?? 0) }))
    .toSorted((one, other) => one.bound - other.bound)
  const count = buckets.at(-1)?.count ?? 0
  if (count <= 0) return undefined
  const at = (q: number): number => {
    const rank = q * count
    const index = buckets.findIndex((one) => one.count >= rank)
    const upper = buckets[index]
    const lower = buckets[index - 1] ?? { bound: 0, count: 0 }
    if (upper === undefined || !Number.isFinite(upper.bound)) return lower.bound
    return lower.bound + ((upper.bound - lower.bound) * (rank - lower.count)) / (upper.count - lower.count)
  }
  return { count, p50: at(0.5), p99: at(0.99) }
}
