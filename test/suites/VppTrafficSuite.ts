/** What the VPP layer of `Vswitch` says of the counters of its ports, and of their applications. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf } from "../../src/identity/Attachment.ts"
import { SocketError } from "../../src/platform/Sockets.ts"
import { portName, portNumber } from "../../src/vpp/interfaces/Mark.ts"
import { socketBeside } from "../../src/vpp/VppTraffic.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { foreignMemif } from "./ForeignMemif.ts"
import { suite } from "./Suite.ts"
import {
  connections,
  directory,
  memif,
  plug,
  plugged,
  refusal,
  request,
  traffic,
  unplug,
  VppUnderTest,
  vhost
} from "./VppUnderTest.ts"

const untouched = {
  receive: { packets: 0, bytes: 0, dropped: { "tx-error": 0 }, errors: 0 },
  transmit: { packets: 0, bytes: 0, dropped: { miss: 0, "no-buffers": 0, forwarding: 0 }, errors: 0 }
}

export const vppTraffic = suite<VppUnderTest>("Vswitch on VPP, asked what its ports have passed", (test) => {
  test("returns each of our ports, by its key and its name, and no others", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* traffic, [])
      const one = yield* request(memif({ mtu: 1400 }))
      const other = yield* request(vhost())
      yield* foreignMemif(7, `${yield* directory}/foreign.sock`)
      yield* plugged(one)
      yield* plugged(other)
      const found = new Map((yield* traffic).map((port) => [port.key, port]))
      assert.sameMembers([...found.keys()], [keyOf(one.attachment), keyOf(other.attachment)])
      const port = found.get(keyOf(one.attachment))
      assert.deepInclude(port, {
        ...untouched,
        port: portName("memif", portNumber(keyOf(one.attachment))),
        connected: false,
        who: undefined,
        mtu: 1400,
        queues: undefined
      })
      assert.deepInclude(found.get(keyOf(other.attachment)), { ...untouched, connected: false, queues: undefined })
    }))

  test("returns nothing for a removed port, nor its count for the next interface with its index", () =>
    Effect.gen(function* () {
      const gone = yield* request(memif())
      yield* plug(gone)
      assert.lengthOf(yield* traffic, 1)
      yield* unplug(unplugOf(gone))
      assert.deepStrictEqual(yield* traffic, [])
      const next = yield* request(memif())
      yield* plugged(next)
      assert.deepStrictEqual(
        (yield* traffic).map(({ key }) => key),
        [keyOf(next.attachment)]
      )
    }))

  test("needs the stats socket only when there is something to count, and names it", () =>
    Effect.gen(function* () {
      const site = yield* VppUnderTest
      const without = Effect.provideService(VppUnderTest, {
        ...site,
        stats: (path) => Effect.fail(new SocketError({ path, code: "ENOENT", operation: "connect" }))
      })
      assert.deepStrictEqual(yield* without(traffic), [])
      yield* plugged(yield* request(memif()))
      const error = yield* refusal(without(traffic))
      assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
      const socket = socketBeside(site.path)
      assert.strictEqual(error.failed, `VPP: read counters: cannot read VPP's counters at ${socket}: ENOENT`)
      assert.include(error.cure, `statseg { socket-name ${socket} }`)
    }))

  test("tells of the ports that are asked for whether an application is connected, and of no others", () =>
    Effect.gen(function* () {
      const one = yield* request(memif())
      const other = yield* request(vhost())
      const gone = yield* request(memif())
      for (const wanted of [one, other]) yield* plugged(wanted)
      const key = keyOf(one.attachment)
      const port = portName("memif", portNumber(key))
      assert.deepStrictEqual(
        [...(yield* connections(key, keyOf(gone.attachment)))],
        [[key, { port, connected: false }]]
      )
      assert.strictEqual((yield* connections(keyOf(other.attachment))).size, 1)
    }))
})
