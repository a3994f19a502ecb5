/** One session for all calls of a process, as long as somebody needs it and VPP keeps it. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Files } from "../../../src/platform/Files.ts"
import { shared } from "../../../src/vpp/client/SharedSession.ts"
import { VppClient } from "../../../src/vpp/client/VppClient.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { start } from "../server/VppServer.ts"
import { temporaryDirectory } from "../support/TestVpp.ts"

const edges = Layer.mergeAll(Files.layer, NodeSlots.layer, NodeSockets.layer)

const world = Effect.gen(function* () {
  const server = yield* start({ path: `${yield* temporaryDirectory}/api.sock` })
  const client = yield* Effect.provide(shared(VppClient.make(server.path), "1 minute"), edges)
  const connected = (wanted: number) =>
    Effect.repeat(
      Effect.sync(() => server.connected),
      { until: (n) => n === wanted, schedule: Schedule.recurs(100_000) }
    )
  return { server, client, connected }
})

it.live("is one, also for those who come together", () =>
  Effect.gen(function* () {
    const { client, server } = yield* world
    const three = Array.from({ length: 3 }, () => client.open)
    const sessions = yield* Effect.scoped(Effect.all(three, { concurrency: "unbounded" }))
    assert.strictEqual(new Set(sessions).size, 1)
    assert.deepStrictEqual([server.connected, server.polite], [1, 0])
  }).pipe(Effect.scoped)
)

it.live("is opened anew when VPP was restarted", () =>
  Effect.gen(function* () {
    const { client, connected, server } = yield* world
    const first = yield* Effect.scoped(client.open)
    yield* Effect.promise(() => server.kill())
    yield* Effect.promise(() => server.restart())
    yield* Effect.repeat(
      Effect.sync(() => first.hasEnded()),
      { until: (ended) => ended, schedule: Schedule.spaced("5 millis") }
    )
    const second = yield* Effect.scoped(client.open)
    assert.isFalse(second.hasEnded())
    yield* connected(1)
  }).pipe(Effect.scoped)
)

it.effect("says goodbye after a minute without anybody", () =>
  Effect.gen(function* () {
    const { client, connected, server } = yield* world
    yield* Effect.scoped(client.open)
    yield* TestClock.adjust("59 seconds")
    yield* connected(1)
    yield* TestClock.adjust("1 second")
    yield* connected(0)
    assert.deepStrictEqual([server.polite, server.rude], [1, 0])
  }).pipe(Effect.scoped)
)
