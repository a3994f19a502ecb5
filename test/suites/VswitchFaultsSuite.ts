/**
 * The behaviour of `Vswitch` when the switch fails: dead, refused, unreachable, interrupted; and with many calls at
 * once.
 */
import { lstatSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import { committed, leavesAsFound, look, newBridge, request, SwitchUnderTest } from "./SwitchUnderTest.ts"
import { existing, once, plug, plugged, refusal, restore, status, unplug, verify } from "./VswitchCalls.ts"

/** ovs-vswitchd is dead during the scope. */
const dead = Effect.flatMap(SwitchUnderTest, ({ killVswitchd, startVswitchd }) =>
  Effect.acquireRelease(killVswitchd, () => startVswitchd)
)

const unreachable = Effect.flatMap(SwitchUnderTest, ({ startDatabase, stopDatabase }) =>
  Effect.acquireRelease(stopDatabase, () => startDatabase)
)

export const ovsFaults = suite<SwitchUnderTest>("Vswitch on an Open vSwitch that fails", (test) => {
  test("removes the port when ovs-vswitchd does not act on it", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      yield* dead
      const error = yield* leavesAsFound(refusal(plug(wanted)))
      assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
      assert.include(error.failed, "ovs-vswitchd did not configure it")
    }))

  test("removes the port when it is interrupted, also on an existing bridge", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      const onExisting = yield* request({ bridge: yield* existing() })
      yield* dead
      for (const one of [wanted, onExisting]) {
        yield* leavesAsFound(
          Effect.gen(function* () {
            const plugging = yield* Effect.forkChild(plug(one), { startImmediately: true })
            yield* committed(portName(one.attachment))
            yield* Fiber.interrupt(plugging)
          })
        )
      }
    }))

  test("removes port and bridge when the bridge cannot be created", () =>
    Effect.gen(function* () {
      const { breakBridge } = yield* SwitchUnderTest
      const wanted = yield* request()
      yield* breakBridge(wanted.port.bridge)
      const error = yield* leavesAsFound(refusal(plug(wanted)))
      assert.strictEqual(error.code, ErrorCodes.SwitchRefused)
      assert.include(error.failed, `could not create bridge ${wanted.port.bridge}`)
    }))

  test("unplugs while ovs-vswitchd is dead, with the socket that it left", () =>
    Effect.gen(function* () {
      const { ovsSocketDir } = yield* SwitchUnderTest
      const client = yield* request()
      const server = yield* request({ mode: "server" })
      const again = yield* request({ mode: "server" })
      const socketOf = (one: typeof server) => `${ovsSocketDir}/${portName(one.attachment)}`
      const before = yield* look
      yield* plug(client)
      yield* plug(server)
      yield* plug(again)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* dead
          assert.lengthOf(yield* unplug(unplugOf(client)), 2)
          assert.include(yield* unplug(unplugOf(server)), `socket ${socketOf(server)}`)
          assert.isUndefined(lstatSync(socketOf(server), { throwIfNoEntry: false }))
          // A DEL without information about server mode leaves the file; the next ADD of the attachment replaces it.
          yield* unplug(unplugOf(again, { port: { ...again.port, mode: "client" } }))
          assert.isTrue(lstatSync(socketOf(again)).isSocket())
          assert.deepStrictEqual(yield* look, before)
        })
      )
      assert.strictEqual((yield* plugged(again)).socketAt, socketOf(again))
    }))

  test("status and verify report a dead ovs-vswitchd, status a dead database", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      yield* plugged(wanted)
      yield* dead
      const error = yield* refusal(status(wanted))
      assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
      assert.include(error.failed, "ovs-vswitchd does not answer")
      assert.match((yield* verify(wanted)).join(), /ovs-vswitchd does not answer/)
    }))

  test("every call reports an unreachable database, with the code to try again", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      yield* unreachable
      const calls = [
        once((vswitch) => Effect.scoped(vswitch.preflight(wanted))),
        plug(wanted),
        unplug(unplugOf(wanted)),
        verify(wanted),
        restore(wanted),
        once((vswitch) => vswitch.list(undefined)),
        status(wanted)
      ]
      for (const call of calls) {
        const error = yield* refusal(call)
        assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
        assert.match(error.failed, /connect|ECONNREFUSED/)
      }
    }))

  test("twenty concurrent ADDs and DELs share one bridge, and nothing is left of it", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const bridge = newBridge()
        const wanted = yield* Effect.all(Array.from({ length: 20 }, () => request({ bridge })))
        yield* Effect.all(wanted.map(plug), { concurrency: "unbounded" })
        for (const one of wanted) assert.deepStrictEqual(yield* verify(one), [])
        const gone = yield* Effect.all(
          wanted.map((one) => unplug(unplugOf(one))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          gone.flat().sort(),
          [`bridge ${bridge}`, ...wanted.map(({ attachment }) => `port ${portName(attachment)}`)].sort()
        )
      })
    ))

  test("a bridge that concurrent calls create and remove never loses a port, nor stays", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const bridge = newBridge()
        const hand = Effect.gen(function* () {
          for (let round = 0; round < 4; round++) {
            const wanted = yield* request({ bridge })
            yield* plug(wanted)
            assert.deepStrictEqual(yield* verify(wanted), [])
            yield* unplug(unplugOf(wanted))
          }
        })
        yield* Effect.all(
          Array.from({ length: 6 }, () => hand),
          { concurrency: "unbounded" }
        )
      })
    ))
})
