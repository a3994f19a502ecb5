/** One session for all calls of a process, for as long as somebody uses it and VPP keeps it. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Files } from "../../../src/platform/Files.ts"
import { VppDeadlines } from "../../../src/vpp/client/Session.ts"
import { shared } from "../../../src/vpp/client/SharedSession.ts"
import { VppClient } from "../../../src/vpp/client/VppClient.ts"
import { controlPing } from "../../../src/vpp/messages/Control.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { quick } from "../../suites/VppUnderTest.ts"
import { untilTrue } from "../../support/Until.ts"
import { start } from "../server/VppServer.ts"
import { temporaryDirectory } from "../support/TestVpp.ts"

const edges = Layer.mergeAll(Files.layer, NodeSlots.layer, NodeSockets.layer)

const world = Effect.gen(function* () {
  const server = yield* start({ path: `${yield* temporaryDirectory}/api.sock` })
  const client = yield* Effect.provide(shared(VppClient.make(server.path), "1 minute"), edges)
  const connected = (wanted: number) => untilTrue(`${wanted} clients`, () => server.connected === wanted)
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
    yield* untilTrue("the end of the first", () => !first.usable())
    const second = yield* Effect.scoped(client.open)
    assert.isTrue(second.usable())
    yield* connected(1)
  }).pipe(Effect.scoped)
)

it.effect("says goodbye after a minute without anybody", () =>
  Effect.gen(function* () {
    const { client, connected, server } = yield* world
    yield* Effect.scoped(client.open)
    yield* TestClock.adjust("59 seconds")
    yield* TestClock.withLive(connected(1))
    yield* TestClock.adjust("1 second")
    yield* TestClock.withLive(connected(0))
    assert.deepStrictEqual([server.polite, server.rude], [1, 0])
  }).pipe(Effect.scoped)
)

it.live("is replaced when VPP has left a request without an answer", () =>
  Effect.gen(function* () {
    const { client, connected, server } = yield* world
    const first = yield* client.open
    server.paused = true
    const { reason } = yield* Effect.flip(first.call(controlPing, {}))
    assert.strictEqual(reason._tag, "NoAnswer")
    server.resume()
    const second = yield* client.open
    assert.notStrictEqual(second, first)
    assert.strictEqual((yield* second.call(controlPing, {})).retval, 0)
    yield* connected(2)
  }).pipe(Effect.scoped, Effect.provideService(VppDeadlines, { ...quick, answer: 200 }))
)

it.live("those who have sessions of their own get their turn beside it", () =>
  Effect.gen(function* () {
    const { client, connected, server } = yield* world
    yield* client.open
    const own = yield* Effect.provide(VppClient.make(server.path), edges)
    const ping = Effect.scoped(Effect.flatMap(own.open, (session) => session.call(controlPing, {})))
    yield* Effect.all(
      Array.from({ length: 60 }, () => ping),
      { concurrency: "unbounded", discard: true }
    )
    yield* connected(1)
    assert.deepStrictEqual([server.polite, server.rude], [60, 0])
  }).pipe(Effect.scoped)
)
