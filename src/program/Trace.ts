/**
 * Timing: one line for each span at debug level, with the ids of the runtime's trace if it passed TRACEPARENT (W3C
 * Trace Context, level 1; libcni passes it to plugins). Besides, the agent exports spans (`agent/metrics/Otlp.ts`).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

/** The fields of a line. */
type Line = Readonly<Record<string, string>>

class LoggedSpan extends Tracer.NativeSpan {
  private readonly lines: Array<Line>
  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], lines: Array<Line>) {
    super(options)
    this.lines = lines
  }
  override end(...args: Parameters<Tracer.NativeSpan["end"]>): void {
    super.end(...args)
    this.lines.push({
      span: this.name,
      ms: (Number(args[0] - this.startTime) / 1e6).toFixed(2),
      trace: this.traceId,
      id: this.spanId,
      ...Option.match(this.parent, { onNone: () => ({}), onSome: ({ spanId }) => ({ parent: spanId }) })
    })
  }
}

/** `00-<32 hex>-<16 hex>-<2 hex>`; anything else is ignored. */
export const parseTraceparent = (header: string | undefined): Tracer.ExternalSpan | undefined => {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header ?? "") ?? []
  return traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)
    ? undefined
    : Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags ?? "", 16) & 1) === 1 })
}

/**
 * One span for each step. `Effect.fn` with a name in every method would cost as much as the work, with eighty spans in
 * a call (docs/performance.md).
 */
export const spanned = <A, E, R>(self: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R> =>
  Effect.flatMap(References.TracerEnabled, (enabled) => (enabled ? Effect.withSpan(self, name) : self))

/** Whether spans are exported. Only a process of many calls exports any: one call would wait for the collector. */
export const ExportedSpans = Context.Reference<boolean>("userspace-cni/ExportedSpans", { defaultValue: () => false })

/** Without a reader, spans are not made. */
export const untraced = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(ExportedSpans, (exported) => (exported ? self : Effect.withTracerEnabled(self, false)))

/** The span of a whole call, in the trace of its caller, where spans are exported. */
export const callSpan =
  (verb: string, traceparent: string | undefined, attributes: Readonly<Record<string, string>>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(ExportedSpans, (exported) => {
      if (!exported) return self
      const parent = parseTraceparent(traceparent)
      const options = { kind: "server", attributes } as const
      return Effect.withSpan(self, `CNI ${verb}`, parent === undefined ? options : { ...options, parent })
    })

/** Properties of a process that was started for one call. */
export interface OwnProcess {
  /** In the time of `performance.now()`. Start-up is part of the call's time. */
  readonly began: number
  /** Enables stack traces. They are off by default, because Effect captures one for every named function. */
  readonly takeStackTraces: () => void
}

/**
 * Runs `self` and keeps its spans, then logs them in the order of their end, and the total. `own`: undefined in a
 * process of many calls, where a call begins when it is received, and changes nothing else.
 */
export const timed =
  (verb: string, traceparent: string | undefined, own: OwnProcess | undefined) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      own?.takeStackTraces()
      const loaded = performance.now()
      const began = own?.began ?? loaded
      const lines: Array<Line> = own === undefined ? [] : [{ span: "start", ms: (loaded - began).toFixed(2) }]
      const parent = parseTraceparent(traceparent)
      return self.pipe(
        parent === undefined ? identity : Effect.withParentSpan(parent),
        Effect.provideService(Tracer.Tracer, Tracer.make({ span: (options) => new LoggedSpan(options, lines) })),
        Effect.ensuring(
          Effect.gen(function* () {
            for (const line of lines) yield* Effect.annotateLogs(Effect.logDebug("time"), line)
            const total = (performance.now() - began).toFixed(1)
            yield* Effect.logDebug(`${verb} took ${total} ms${own === undefined ? "" : " since the process started"}`)
          })
        )
      )
    })
