/**
 * A registry of Effect's metrics, and its text. Those that count what happens live as long as the agent. What is read from
 * elsewhere has a registry for each scrape, so that its series end with what they are about. The text is Prometheus' format,
 * which Effect writes, or OpenMetrics, for a scraper that asks for it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { turn } from "../../platform/Sockets.ts"
import type { Family } from "./Families.ts"

/** In the order of the family's labels. */
export type LabelValues = ReadonlyArray<string>

export interface Registry {
  readonly context: Context.Context<never>
  readonly metrics: Metric.MetricRegistry
  /** Adds to a counter. */
  readonly add: (family: Family, values: LabelValues, by?: number) => void
  /** For a gauge. */
  readonly set: (family: Family, values: LabelValues, to: number) => void
  /** For a counter that somebody else counts. Two of one name and labels are one, with the sum. */
  readonly total: (family: Family, values: LabelValues, count: number) => void
  readonly observe: (family: Family, values: LabelValues, value: number) => void
}

/** Seconds: from an ADD that is warm to the deadline of a call. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90]

const attributesOf = ({ labels }: Family, values: LabelValues): Record<string, string> => {
  const attributes: Record<string, string> = {}
  for (const [index, label] of labels.entries()) attributes[label] = values[index] ?? ""
  return attributes
}

const keyOf = ({ name }: Family, values: LabelValues): string => `${name}\0${values.join("\0")}`

export const make = (metrics: Metric.MetricRegistry = new Map()): Registry => {
  const context: Context.Context<never> = Context.make(Metric.MetricRegistry, metrics)
  const options = (family: Family, values: LabelValues) => ({
    description: family.help,
    attributes: attributesOf(family, values)
  })
  const totals = new Map<string, number>()
  const put = (family: Family, values: LabelValues, type: "Counter" | "Gauge", get: () => unknown) =>
    metrics.set(keyOf(family, values), {
      id: family.name,
      type,
      description: family.help,
      attributes: attributesOf(family, values),
      hooks: { get, update: () => {}, modify: () => {} }
    })
  return {
    context,
    metrics,
    add: (family, values, by = 1) =>
      Metric.counter(family.name, { ...options(family, values), incremental: true }).updateUnsafe(by, context),
    // As Effect's own would be, without what makes them: a node has ten thousand of these at each scrape.
    set: (family, values, to) => put(family, values, "Gauge", () => ({ value: to })),
    total: (family, values, count) => {
      const before = totals.get(keyOf(family, values)) ?? 0
      totals.set(keyOf(family, values), before + count)
      put(family, values, "Counter", () => ({ count: before + count, incremental: true }))
    },
    observe: (family, values, value) =>
      Metric.histogram(family.name, { ...options(family, values), boundaries }).updateUnsafe(value, context)
  }
}

export interface Text {
  readonly contentType: string
  readonly body: string
}

const openMetrics = "application/openmetrics-text"

export const exposition = Effect.fnUntraced(function* ({ metrics }: Registry, accept: string | undefined) {
  const byName = new Map<string, Metric.MetricRegistry>()
  for (const [key, metric] of metrics) {
    const family: Metric.MetricRegistry = byName.get(metric.id) ?? new Map()
    byName.set(metric.id, family.set(key, metric))
  }
  const parts: Array<string> = []
  for (const family of byName.values()) {
    parts.push(PrometheusMetrics.formatUnsafe(Context.make(Metric.MetricRegistry, family)))
    yield* turn
  }
  const body = parts.join("")
  const text: Text =
    accept?.includes(openMetrics) === true
      ? {
          contentType: `${openMetrics}; version=1.0.0; charset=utf-8`,
          body: `${body.replace(counterFamily, "$1")}# EOF\n`
        }
      : { contentType: "text/plain; version=0.0.4; charset=utf-8", body }
  return text
})

/** All our counters end so, and nothing else does. */
const counterFamily = /^(# (?:TYPE|HELP) \S+)_total(?= )/gm
