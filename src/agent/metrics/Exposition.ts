/**
 * A registry as text: Prometheus' format, which Effect writes, or OpenMetrics, for a scraper that asks for it. They differ in
 * the names of counters' families and in the end (OpenMetrics 1.0.0). Calls get their turn between two families: a node has
 * ten thousand series.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { turn } from "../../platform/Sockets.ts"
import type { Registry } from "./Registry.ts"

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
