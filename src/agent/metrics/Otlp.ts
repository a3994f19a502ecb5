/**
 * Traces and metrics over OTLP, when `OTEL_EXPORTER_OTLP_ENDPOINT` is set for the agent. A call of its own process never
 * exports: it would wait for the collector. The exporter is loaded when it is asked for.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Registry } from "./Registry.ts"

const isAsked = (variables: Variables): boolean => (variables["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "") !== ""

const loaded = Effect.promise(() => import("./OtlpExport.ts"))

/** Spans of whatever runs in it. */
export const traces = (variables: Variables): Layer.Layer<never> =>
  isAsked(variables) ? Layer.unwrap(Effect.map(loaded, ({ traces }) => traces(variables))) : Layer.empty

/** What a scrape would have, until the scope ends. */
export const metrics = (
  variables: Variables,
  scrape: Effect.Effect<Registry>
): Effect.Effect<void, never, Scope.Scope> =>
  isAsked(variables) ? Effect.flatMap(loaded, ({ metrics }) => metrics(variables, scrape)) : Effect.void
