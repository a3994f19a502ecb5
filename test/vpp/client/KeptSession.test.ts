/** One session for inspection and plug, and none for calls that do not plug. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { Vswitch } from "../../../src/vswitch/Vswitch.ts"
import { layersFor, memif, request } from "../../suites/VppUnderTest.ts"
import { unplugOf } from "../../vswitch/support/UnplugOf.ts"
import { start } from "../server/VppServer.ts"
import { temporaryDirectory } from "../support/TestVpp.ts"

const prepared = Effect.gen(function* () {
  const server = yield* start({ path: `${yield* temporaryDirectory}/api.sock` })
  const wanted = yield* request(memif({ network: { netType: "none" } }))
  return {
    server,
    wanted,
    gone: Effect.repeat(
      Effect.sync(() => server.connected),
      { until: (n) => n === 0 }
    )
  }
})

it.live("inspection and plug use one session", () =>
  Effect.gen(function* () {
    const { server, wanted, gone } = yield* prepared
    yield* Effect.gen(function* () {
      const vswitch = yield* Vswitch
      yield* vswitch.preflight(wanted)
      yield* vswitch.plug(wanted)
      yield* gone
      assert.strictEqual(server.polite, 1)
      yield* vswitch.unplug(unplugOf(wanted))
    }).pipe(Effect.provide(layersFor(server.path)))
    yield* gone
    assert.deepStrictEqual([server.polite, server.rude], [2, 0])
  }).pipe(Effect.scoped)
)

it.live("a kept session ends with the layer, and a refused inspection keeps none", () =>
  Effect.gen(function* () {
    const { server, wanted, gone } = yield* prepared
    yield* Effect.gen(function* () {
      const vswitch = yield* Vswitch
      yield* vswitch.preflight(wanted)
      assert.strictEqual(server.connected, 1)
      const refused = yield* Effect.result(vswitch.preflight({ ...wanted, socketPath: "relative" }))
      assert.isTrue(Result.isFailure(refused))
      yield* gone
      yield* vswitch.preflight(wanted)
    }).pipe(Effect.provide(layersFor(server.path)))
    yield* gone
    assert.deepStrictEqual([server.polite, server.rude], [2, 0])
  }).pipe(Effect.scoped)
)

it.effect("a session is kept for at most a second", () =>
  Effect.gen(function* () {
    const { server, wanted, gone } = yield* prepared
    yield* Effect.gen(function* () {
      const vswitch = yield* Vswitch
      yield* vswitch.preflight(wanted)
      yield* TestClock.adjust("900 millis")
      assert.strictEqual(server.connected, 1)
      const ending = yield* Effect.forkChild(gone, { startImmediately: true })
      yield* TestClock.adjust("200 millis")
      yield* Fiber.join(ending)
    }).pipe(Effect.provide(layersFor(server.path)))
    assert.deepStrictEqual([server.polite, server.rude], [1, 0])
  }).pipe(Effect.scoped)
)

it.effect("each attachment has its own, and all are closed", () =>
  Effect.gen(function* () {
    const { server, wanted, gone } = yield* prepared
    const other = { ...(yield* request(memif({ network: { netType: "none" } }))) }
    yield* Effect.gen(function* () {
      const vswitch = yield* Vswitch
      yield* vswitch.preflight(wanted)
      yield* vswitch.preflight(other)
      yield* vswitch.preflight(wanted)
      assert.strictEqual(server.connected, 2)
      yield* vswitch.plug(other)
      const ending = yield* Effect.forkChild(gone, { startImmediately: true })
      yield* TestClock.adjust("1100 millis")
      yield* Fiber.join(ending)
      assert.deepStrictEqual([server.polite, server.rude], [2, 0])
      yield* vswitch.unplug(unplugOf(other))
    }).pipe(Effect.provide(layersFor(server.path)))
  }).pipe(Effect.scoped)
)
