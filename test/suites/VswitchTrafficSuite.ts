/** What the Open vSwitch layer of `Vswitch` says of the counters of its ports, and of their applications. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf, portName } from "../../src/identity/Attachment.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import { administrator, request, SwitchUnderTest } from "./SwitchUnderTest.ts"
import { connections, existing, plug, plugged, refusal, traffic, unplug } from "./VswitchCalls.ts"

export const ovsTraffic =
  suite<SwitchUnderTest>("Vswitch on Open vSwitch, asked what its ports have passed", (test) => {
    test("returns each of our ports, by its key and its names, and no others", () =>
      Effect.gen(function* () {
        const { port } = yield* administrator
        const bridge = yield* existing()
        yield* port(bridge, "foreign2", { type: "internal", external_ids: ["map", [["userspace-cni", "1"]]] })
        assert.deepStrictEqual(yield* traffic, [])
        const pod = { namespace: "prod", name: "upf-0", uid: "u" }
        const wanted = yield* request({ bridge })
        const attachment = { ...wanted.attachment, pod }
        yield* plugged({ ...wanted, attachment })
        const [found, ...others] = yield* traffic
        assert.deepStrictEqual(others, [])
        const { containerId, ifName, network } = attachment
        assert.deepInclude(found, { key: keyOf(attachment), port: portName(attachment), connected: false })
        assert.deepInclude(found?.who, { containerId, ifName, network, pod })
        for (const way of [found?.receive, found?.transmit])
          assert.deepInclude(way, { packets: 0, bytes: 0, errors: 0 })
      }))

    test("returns nothing for a removed port", () =>
      Effect.gen(function* () {
        const wanted = yield* request()
        yield* plug(wanted)
        assert.lengthOf(yield* traffic, 1)
        yield* unplug(unplugOf(wanted))
        assert.deepStrictEqual(yield* traffic, [])
      }))

    test("does not return the last counters of an ovs-vswitchd that has exited", () =>
      Effect.gen(function* () {
        const { killVswitchd, startVswitchd } = yield* SwitchUnderTest
        yield* plugged(yield* request())
        yield* Effect.acquireRelease(killVswitchd, () => startVswitchd)
        const error = yield* refusal(traffic)
        assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
        assert.match(error.failed, /^Open vSwitch: read counters: ovs-vswitchd /)
      }))

    test("tells of the ports that are asked for whether an application is connected, and of no others", () =>
      Effect.gen(function* () {
        const one = yield* request()
        const other = yield* request()
        const gone = yield* request()
        for (const wanted of [one, other]) yield* plugged(wanted)
        const [key, absent] = [keyOf(one.attachment), keyOf(gone.attachment)]
        assert.deepStrictEqual(
          [...(yield* connections(key, absent))],
          [[key, { port: portName(one.attachment), connected: false }]]
        )
        assert.strictEqual((yield* connections(keyOf(other.attachment))).size, 1)
      }))

    test("does not tell the last state of an ovs-vswitchd that has exited", () =>
      Effect.gen(function* () {
        const { killVswitchd, startVswitchd } = yield* SwitchUnderTest
        const wanted = yield* request()
        yield* plugged(wanted)
        yield* Effect.acquireRelease(killVswitchd, () => startVswitchd)
        const error = yield* refusal(connections(keyOf(wanted.attachment)))
        assert.match(error.failed, /^Open vSwitch: read connections: ovs-vswitchd /)
      }))
  })
