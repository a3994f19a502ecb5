/** One session for inspection and plug, and none for longer. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Result, Scope } from "effect"
import { Vswitch } from "../../../src/vswitch/Vswitch.ts"
import { layersFor, memif, request } from "../../suites/VppUnderTest.ts"
import { untilTrue } from "../../support/Until.ts"
import { unplugOf } from "../../vswitch/support/UnplugOf.ts"
import { start } from "../server/VppServer.ts"
import { temporaryDirectory } from "../support/TestVpp.ts"

const prepared = Effect.gen(function* () {
  const server = yield* start({ path: `${yield* temporaryDirectory}/api.sock` })
  const wanted = yield* request(memif({ network: { netType: "none" } }))
  const until = (count: number) => untilTrue(`${count} clients`, () => server.connected === count)
  return { server, wanted, gone: until(0), until }
})

it.live("inspection and plug use one session, which ends with the plug", () =>
  Effect.gen(function* () {
    const { server, wanted, gone } = yield* prepared
    yield* Effect.gen(function* () {
      const vswitch = yield* Vswitch
      const found = yield* vswitch.preflight(wanted)
      assert.strictEqual(server.connected, 1)
      yield* vswitch.plug(wanted, found)
      yield* gone
      assert.strictEqual(server.polite, 1)
      yield* vswitch.unplug(unplugOf(wanted))
    }).pipe(Effect.provide(layersFor(server.path)))
    yield* gone
    assert.deepStrictEqual([server.polite, server.rude], [2, 0])
  }).pipe(Effect.scoped)
)

it.live("without a plug it ends with the caller's scope, and a refused inspection keeps none", () =>
  Effect.gen(function* () {
    const { server, wanted, gone } = yield* prepared
    yield* Effect.gen(function* () {
      const vswitch = yield* Vswitch
      const refused = yield* Effect.result(vswitch.preflight({ ...wanted, socketPath: "relative" }))
      assert.isTrue(Result.isFailure(refused))
      yield* gone
      assert.strictEqual(server.polite, 1)
      yield* Effect.scoped(
        Effect.andThen(
          vswitch.preflight(wanted),
          Effect.sync(() => assert.strictEqual(server.connected, 1))
        )
      )
      yield* gone
    }).pipe(Effect.provide(layersFor(server.path)))
    assert.deepStrictEqual([server.polite, server.rude], [2, 0])
  }).pipe(Effect.scoped)
)

it.live("each attachment has its own; a second inspection of one waits for the first", () =>
  Effect.gen(function* () {
    const { server, wanted, gone, until } = yield* prepared
    const other = yield* request(memif({ network: { netType: "none" } }))
    yield* Effect.gen(function* () {
      const vswitch = yield* Vswitch
      const first = yield* Scope.make()
      yield* Scope.provide(vswitch.preflight(wanted), first)
      const found = yield* vswitch.preflight(other)
      assert.strictEqual(server.connected, 2)
      let entered = false
      const second = Effect.tap(vswitch.preflight(wanted), () =>
        Effect.sync(() => {
          entered = true
        })
      )
      const waiting = yield* Effect.forkChild(Effect.scoped(second), { startImmediately: true })
      yield* until(3)
      assert.isFalse(entered)
      yield* Scope.close(first, Exit.void)
      yield* Fiber.join(waiting)
      yield* vswitch.plug(other, found)
      yield* gone
      assert.deepStrictEqual([server.polite, server.rude], [3, 0])
      yield* vswitch.unplug(unplugOf(other))
    }).pipe(Effect.provide(layersFor(server.path)))
  }).pipe(Effect.scoped)
)
