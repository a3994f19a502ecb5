/** What the Open vSwitch layer of `Vswitch` restores after a restart of a daemon, or in an emptied database. */
import { existsSync, lstatSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { untilTrue } from "../support/Until.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import { administrator, leavesAsFound, look, request, SwitchUnderTest } from "./SwitchUnderTest.ts"
import { existing, plug, plugged, refusal, restore, unplug, verify } from "./VswitchCalls.ts"

/** ovs-vswitchd killed and started again. */
const restarted = Effect.gen(function* () {
  const { killVswitchd, startVswitchd } = yield* SwitchUnderTest
  yield* killVswitchd
  yield* startVswitchd
})

export const ovsRestore = suite<SwitchUnderTest>("restore on Open vSwitch", (test) => {
  test("changes nothing for an existing port, and reports its socket", () =>
    Effect.gen(function* () {
      const { ovsSocketDir } = yield* SwitchUnderTest
      for (const mode of ["client", "server"] as const) {
        const wanted = yield* request({ mode })
        const name = portName(wanted.attachment)
        yield* plugged(wanted)
        const socketAt = mode === "server" ? `${ovsSocketDir}/${name}` : undefined
        assert.deepStrictEqual(yield* leavesAsFound(restore(wanted)), { port: name, socketAt, made: [] })
      }
    }))

  test("restores a port that is gone, with its bridge or alone, unchanged", () =>
    Effect.gen(function* () {
      const { removeBridge, removePort } = yield* administrator
      const wanted = yield* request({ mtu: 1400, vlan: 5, trunks: [6, 7], vlanMode: "native-tagged", queues: 2 })
      const name = portName(wanted.attachment)
      yield* plugged(wanted)
      const before = yield* look
      for (const lose of [removePort(name), removeBridge(wanted.port.bridge)]) {
        yield* lose
        assert.notDeepEqual(yield* look, before)
        assert.deepStrictEqual((yield* restore(wanted)).made, [`port ${name}`])
        assert.deepStrictEqual(yield* look, before)
        assert.deepStrictEqual((yield* leavesAsFound(restore(wanted))).made, [])
      }
    }))

  test("restores the socket of a server-mode port with the port", () =>
    Effect.gen(function* () {
      const { removePort } = yield* administrator
      const wanted = yield* request({ mode: "server" })
      const name = portName(wanted.attachment)
      const { socketAt = "" } = yield* plugged(wanted)
      yield* removePort(name)
      yield* untilTrue("the end of the socket", () => !existsSync(socketAt), { every: "5 millis" })
      assert.deepStrictEqual(yield* restore(wanted), { port: name, socketAt, made: [`port ${name}`] })
      assert.isTrue(lstatSync(socketAt).isSocket())
    }))

  test("restores the flow of a port on a closed bridge, once", () =>
    Effect.gen(function* () {
      const { flows } = yield* SwitchUnderTest
      const bridge = yield* existing({ datapath_type: "netdev", fail_mode: "secure" })
      const wanted = yield* request({ bridge })
      const name = portName(wanted.attachment)
      yield* plugged(wanted)
      yield* restarted
      assert.deepStrictEqual(yield* flows(bridge), [])
      assert.deepStrictEqual((yield* restore(wanted)).made, [`flow of port ${name}`])
      assert.lengthOf(yield* flows(bridge), 1)
      assert.deepStrictEqual(yield* verify(wanted), [])
      assert.deepStrictEqual((yield* leavesAsFound(restore(wanted))).made, [])
      yield* unplug(unplugOf(wanted))
      assert.deepStrictEqual(yield* flows(bridge), [])
    }))

  test("adds no flow to a port whose bridge was closed after its ADD, because a DEL would leave it", () =>
    Effect.gen(function* () {
      const { set } = yield* administrator
      const { flows } = yield* SwitchUnderTest
      const bridge = yield* existing()
      const wanted = yield* request({ bridge })
      yield* plugged(wanted)
      yield* set("Bridge", bridge, ["fail_mode", "insert", "secure"])
      const error = yield* refusal(restore(wanted))
      assert.include(error.failed, "the flow of port")
      assert.deepStrictEqual(yield* flows(bridge), [])
    }))

  test("leaves a changed port, and names it", () =>
    Effect.gen(function* () {
      const { set } = yield* administrator
      const wanted = yield* request({ vlan: 5 })
      const name = portName(wanted.attachment)
      yield* plugged(wanted)
      yield* set("Port", name, ["tag", "delete", 5], ["tag", "insert", 7])
      const error = yield* leavesAsFound(refusal(restore(wanted)))
      assert.strictEqual(error.code, ErrorCodes.SwitchRefused)
      assert.include(error.failed, `different from the record: VLAN of port ${name} is 7, not 5`)
    }))

  test("reports a dead ovs-vswitchd at once, whether the port exists or not", () =>
    Effect.gen(function* () {
      const { killVswitchd, startVswitchd } = yield* SwitchUnderTest
      const [there, missing] = [yield* request(), yield* request()]
      yield* plug(there)
      yield* Effect.acquireRelease(killVswitchd, () => startVswitchd)
      for (const wanted of [there, missing]) {
        const error = yield* leavesAsFound(refusal(restore(wanted)))
        assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
        assert.include(error.failed, "ovs-vswitchd does not answer")
      }
      yield* unplug(unplugOf(there))
    }))
})
