/**
 * Effect's exporters, as the environment configures them (OpenTelemetry's `OTEL_*`). An endpoint is enough: which signals go
 * there need not be said. A mistake in a variable is logged, and nothing is exported.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import { version } from "../../app/Version.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { ExportedSpans } from "../../program/Trace.ts"
import type { Registry } from "./Registry.ts"

const resource = { serviceName: "userspace-cni", serviceVersion: version }
/** Milliseconds, as the specification has it. */
const defaultInterval = 60_000

const environment = (variables: Variables): Record<string, string> => {
  const own: Record<string, string> = {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_METRIC_EXPORT_INTERVAL: String(defaultInterval)
  }
  for (const [name, value] of Object.entries(variables)) if (value !== undefined && value !== "") own[name] = value
  return own
}

const exported = (exporter: ReturnType<typeof OtlpTracer.layerFromConfig>, variables: Variables) =>
  exporter.pipe(
    Layer.provide(Layer.merge(FetchHttpClient.layer, OtlpSerialization.layerJson)),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment(variables) }))),
    Layer.catchCause((cause) =>
      Layer.merge(
        Layer.effectDiscard(Effect.logError("nothing is exported over OTLP: check the variables OTEL_*", cause)),
        OtlpExporter.layerFlusher
      )
    )
  )

export const traces = (variables: Variables): Layer.Layer<never> =>
  Layer.merge(exported(OtlpTracer.layerFromConfig({ resource }), variables), Layer.succeed(ExportedSpans, true))

/** The exporter takes what is in a registry when it is due: it is filled in between. */
export const metrics = Effect.fnUntraced(function* (variables: Variables, scrape: Effect.Effect<Registry>) {
  const live: Metric.MetricRegistry = new Map()
  const fill = Effect.map(scrape, ({ metrics }) => {
    live.clear()
    for (const [key, metric] of metrics) live.set(key, metric)
  })
  const every = Number(environment(variables)["OTEL_METRIC_EXPORT_INTERVAL"])
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(fill, Effect.sleep(Duration.millis(every > 0 ? every : defaultInterval))))
  )
  yield* Effect.asVoid(Layer.build(exported(OtlpMetrics.layerFromConfig({ resource }), variables))).pipe(
    Effect.provideService(Metric.MetricRegistry, live)
  )
})
