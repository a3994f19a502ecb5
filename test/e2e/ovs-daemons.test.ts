/** The effects of real daemons on a plug: frozen, restarted meanwhile, started without DPDK. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { committed, leavesAsFound, look, request } from "../suites/SwitchUnderTest.ts"
import { plug, plugged, refusal, status, unplug, verify } from "../suites/VswitchCalls.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { OvsInstance } from "./support/OvsInstance.ts"
import { overInstance } from "./support/OvsUnderTest.ts"
import { onMachine } from "./support/Suite.ts"

const withDpdk = Layer.provideMerge(overInstance, OvsInstance.layer)
const withoutDpdk = Layer.provideMerge(overInstance, OvsInstance.layerWith({ dpdk: false }))

/** Frozen, not dead: it holds its sockets and answers nobody. */
const frozen = (pid: number) =>
  Effect.acquireRelease(
    Effect.sync(() => process.kill(pid, "SIGSTOP")),
    () => Effect.sync(() => process.kill(pid, "SIGCONT"))
  )

onMachine(["root", "ovs"], withDpdk)("with the real daemons of Open vSwitch", (test) => {
  test("a frozen ovs-vswitchd: the port is taken back, and status says so", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      const before = yield* look
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* frozen(yield* (yield* OvsInstance).vswitchdPid)
          const error = yield* refusal(plug(wanted))
          assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
          const said = yield* refusal(status(wanted))
          assert.include(said.failed, "ovs-vswitchd does not answer")
          assert.deepStrictEqual(yield* look, before)
        })
      )
      yield* plugged(wanted)
      assert.deepStrictEqual(yield* verify(wanted), [])
    }))

  test("a frozen ovsdb-server: an error in time, and nothing when it continues", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      yield* leavesAsFound(
        Effect.scoped(
          Effect.gen(function* () {
            yield* frozen(yield* (yield* OvsInstance).ovsdbPid)
            for (const call of [plug(wanted), unplug(unplugOf(wanted))]) {
              const error = yield* refusal(call)
              assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
              assert.include(error.failed, "no answer within")
            }
          })
        )
      )
    }))

  test("ovsdb-server restarted while a plug waits: the plug fails, and its port does not stay", () =>
    Effect.gen(function* () {
      const ovs = yield* OvsInstance
      const wanted = yield* request()
      yield* leavesAsFound(
        Effect.gen(function* () {
          const waits = yield* Effect.scoped(
            Effect.gen(function* () {
              yield* frozen(yield* ovs.vswitchdPid)
              const plugging = yield* Effect.forkChild(refusal(plug(wanted)), { startImmediately: true })
              yield* committed(portName(wanted.attachment))
              yield* ovs.stopOvsdb
              yield* ovs.startOvsdb
              return plugging
            })
          )
          const error = yield* Fiber.join(waits)
          assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
          assert.include(error.failed, "connection lost")
        })
      )
    }))

  test("a restarted ovs-vswitchd has the port again; one of a closed bridge lacks its flow, and CHECK reports it", () =>
    Effect.gen(function* () {
      const ovs = yield* OvsInstance
      yield* ovs.vsctl("add-br", "closed", "--", "set", "Bridge", "closed", "datapath_type=netdev", "fail_mode=secure")
      const wanted = yield* request({ bridge: "closed" })
      yield* plugged(wanted)
      assert.deepStrictEqual(yield* verify(wanted), [])
      yield* ovs.stopVswitchd
      yield* ovs.startVswitchd
      assert.deepStrictEqual(yield* verify(wanted), [
        `the flow of port ${portName(wanted.attachment)} is missing on bridge closed (fail_mode secure)`
      ])
      yield* unplug(unplugOf(wanted))
      yield* ovs.vsctl("del-br", "closed")
    }))
})

onMachine(["root", "ovs"], withoutDpdk)("with an ovs-vswitchd that has no DPDK", (test) => {
  test("plug and status report it, before any change", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      const [plugging, standing] = yield* leavesAsFound(Effect.all([refusal(plug(wanted)), refusal(status(wanted))]))
      assert.strictEqual(plugging.code, ErrorCodes.DpdkMissing)
      assert.strictEqual(standing.code, ErrorCodes.DpdkMissing)
      assert.include(plugging.failed, "DPDK is not initialized")
    }))
})
