/** What a collector receives from an agent: the series of a scrape, and the spans of calls in the trace of their runtime. */
import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import * as Calls from "../../../src/agent/Calls.ts"
import { families } from "../../../src/agent/metrics/Families.ts"
import * as Otlp from "../../../src/agent/metrics/Otlp.ts"
import * as Registry from "../../../src/agent/metrics/Registry.ts"
import { network } from "../../attachment/support/Networks.ts"
import { World } from "../../attachment/support/World.ts"
import { until } from "../../support/Until.ts"

interface Received {
  readonly path: string
  readonly text: string
}

const collector = Effect.gen(function* () {
  const received: Array<Received> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const made = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          received.push({ path: request.url ?? "", text: String(Buffer.concat(chunks)) })
          response.end("{}")
        })
      })
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) =>
      Effect.sync(() => {
        made.closeAllConnections()
        made.close()
      })
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const receives = (path: string, text: string) =>
    until(
      `${text} at ${path}`,
      Effect.sync(() => received.filter((one) => one.path === path && one.text.includes(text))),
      (found) => found.length > 0
    ).pipe(Effect.flatMap(([first]) => Effect.fromNullishOr(first)))
  return { endpoint: `http://127.0.0.1:${port}`, received, receives }
})

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"

const addOn = (world: World, variables: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const calls = yield* Calls.make()
    const environment = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "0958c8871b32cafe",
      CNI_IFNAME: "net1",
      CNI_NETNS: "/n/a",
      CNI_PATH: "/opt/cni/bin",
      TRACEPARENT: `00-${traceId}-00f067aa0ba902b7-01`
    }
    const lines: Array<object> = []
    calls.begin({ environment, stdin: JSON.stringify(network) }, crypto.randomUUID(), {
      say: () => {},
      tell: (line) => Effect.sync(() => void lines.push(line)),
      leave: () => {}
    })
    yield* calls.ended
    assert.deepInclude(lines[0], { status: 0 })
  }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(Otlp.traces(variables), world.edges(), Logger.layer([]))))

describe("OTLP", () => {
  it.live("carries the series that a scrape has", () =>
    Effect.gen(function* () {
      const { endpoint, receives } = yield* collector
      const registry = Registry.make()
      registry.set(families.running, [], 3)
      registry.total(families.receive.packets, ["prod", "upf-0", "net1", "n", "vpp"], 17)
      const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_METRIC_EXPORT_INTERVAL: "50" }
      yield* Otlp.metrics(variables, Effect.succeed(registry))
      const { text } = yield* receives("/v1/metrics", "userspace_cni_interface_receive_packets_total")
      for (const part of ['"userspace_cni_calls_running"', '"upf-0"', '"userspace-cni"']) assert.include(text, part)
    }).pipe(Effect.scoped)
  )

  it.live("carries a call as a span of the runtime's trace, with its steps below it", () =>
    Effect.gen(function* () {
      const { endpoint, receives } = yield* collector
      yield* addOn(new World(), { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: "50" })
      const { text } = yield* receives("/v1/traces", '"CNI ADD"')
      const { resourceSpans } = JSON.parse(text)
      const spans: ReadonlyArray<{
        readonly name: string
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId?: string
      }> = resourceSpans[0].scopeSpans[0].spans
      const own = spans.find(({ name }) => name === "CNI ADD")
      assert.deepInclude(own, { traceId, parentSpanId: "00f067aa0ba902b7" })
      const below = spans.filter((span) => span.traceId === traceId && span !== own)
      assert.isAbove(below.length, 3)
    }).pipe(Effect.scoped)
  )

  it.live("is not spoken without an endpoint, and a mistake in a variable stops no call", () =>
    Effect.gen(function* () {
      const { endpoint, received } = yield* collector
      yield* addOn(new World(), {})
      yield* addOn(new World(), { OTEL_EXPORTER_OTLP_ENDPOINT: "nonsense" })
      yield* addOn(new World(), { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: "true" })
      assert.deepStrictEqual(received, [])
    }).pipe(Effect.scoped)
  )
})
