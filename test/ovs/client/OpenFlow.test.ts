/**
 * The bytes of `ovs-ofctl -O OpenFlow13` (3.5.0) for the same operations, recorded with strace; and bridges whose
 * answers are wrong.
 */
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as Flows from "../../../src/ovs/client/Flows.ts"
import { OvsDeadlines } from "../../../src/ovs/client/JsonRpc.ts"
import * as OpenFlow from "../../../src/ovs/client/OpenFlow.ts"
import { Sockets } from "../../../src/platform/Sockets.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const cookie = 0x1122334455667788n
const { Type } = OpenFlow

describe("OpenFlow", () => {
  it("offers version 1.3 only", () => {
    assert.strictEqual(hex(OpenFlow.encode(Type.Hello, 1, OpenFlow.hello)), "04000010000000010001000800000010")
  })

  it("adds cookie=0x1122334455667788,priority=1,in_port=7,actions=NORMAL", () => {
    assert.strictEqual(
      hex(OpenFlow.encode(Type.FlowMod, 6, OpenFlow.learnFrom(7, cookie))),
      [
        "040e005800000006",
        "1122334455667788",
        "0000000000000000",
        "0000000000000001",
        "ffffffffffffffffffffffff",
        "00000000",
        "0001000c80000004",
        "0000000700000000",
        "0004001800000000",
        "00000010fffffffa",
        "0000000000000000"
      ].join("")
    )
  })

  it("deletes cookie=0x1122334455667788/-1", () => {
    assert.strictEqual(
      hex(OpenFlow.encode(Type.FlowMod, 6, OpenFlow.forget(cookie))),
      [
        "040e003800000006",
        "1122334455667788",
        "ffffffffffffffff",
        "ff03000000008000",
        "ffffffffffffffffffffffff",
        "00000000",
        "0001000400000000"
      ].join("")
    )
  })

  it("splits messages wherever the stream is cut", () => {
    const whole = Buffer.concat([
      OpenFlow.encode(Type.Hello, 1, OpenFlow.hello),
      OpenFlow.encode(Type.BarrierReply, 2),
      OpenFlow.encode(Type.EchoRequest, 3, Buffer.from("ping"))
    ])
    for (let at = 0; at <= whole.length; at++) {
      const first = OpenFlow.split(whole.subarray(0, at)) ?? assert.fail("refused")
      const second = OpenFlow.split(Buffer.concat([first.rest, whole.subarray(at)])) ?? assert.fail("refused")
      assert.deepStrictEqual(
        [...first.messages, ...second.messages].map(({ id, type }) => [type, id]),
        [
          [Type.Hello, 1],
          [Type.BarrierReply, 2],
          [Type.EchoRequest, 3]
        ]
      )
      assert.strictEqual(second.rest.length, 0)
    }
  })
})

/** A bridge that sends `greeting`, then answers each chunk as given. */
const bridge = Effect.fnUntraced(function* (greeting: Uint8Array, answer: (socket: Net.Socket, bytes: Buffer) => void) {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(`${tmpdir()}/flows-`)),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer((socket) => {
        socket.on("error", () => {})
        socket.write(greeting)
        socket.on("data", (bytes: Buffer) => answer(socket, bytes))
      })
      server.listen(`${directory}/br0.mgmt`, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  return Flows.overSockets(yield* Sockets, `${directory}/db.sock`)
}, Effect.provide(NodeSockets.layer))

const quickly = Effect.provideService(OvsDeadlines, {
  connect: Duration.millis(500),
  reply: Duration.millis(100),
  apply: Duration.millis(100),
  withdraw: Duration.millis(100)
})
const greeting = OpenFlow.encode(Type.Hello, 9, OpenFlow.hello)
const barrier = OpenFlow.encode(Type.BarrierReply, 2)
const failureOf = (flows: Flows.Flows) => quickly(Effect.map(Effect.flip(flows.learn("br0", 1, 2n)), String))

describe("Flows", () => {
  it.live("answers an echo, ignores unrelated messages, and waits for the barrier", () =>
    Effect.gen(function* () {
      const received: Array<Buffer> = []
      const flows = yield* bridge(greeting, (socket, bytes) => {
        received.push(bytes)
        const text = hex(Buffer.concat(received))
        if (text.endsWith(hex(OpenFlow.encode(Type.BarrierRequest, 2)))) {
          socket.write(OpenFlow.encode(Type.EchoRequest, 77, Buffer.from("ping")))
          socket.write(OpenFlow.encode(12, 0, Buffer.alloc(72)))
        }
        if (text.endsWith(hex(OpenFlow.encode(Type.EchoReply, 77, Buffer.from("ping"))))) socket.write(barrier)
      })
      yield* quickly(flows.learn("br0", 7, cookie))
      assert.include(hex(Buffer.concat(received)), hex(OpenFlow.learnFrom(7, cookie)))
    })
  )

  it.live("reports a bridge's refusal, and a bridge without version 1.3", () =>
    Effect.gen(function* () {
      const error = Buffer.concat([Buffer.from([0, 5, 0, 6]), Buffer.alloc(8)])
      const refusing = yield* bridge(greeting, (socket) => socket.write(OpenFlow.encode(Type.Error, 1, error)))
      assert.include(yield* failureOf(refusing), "OpenFlow error type 5, code 6")
      const old = Buffer.from(OpenFlow.encode(Type.Hello, 9))
      old.writeUInt8(1, 0)
      assert.include(yield* failureOf(yield* bridge(old, () => {})), "does not speak OpenFlow 1.3")
    })
  )

  it.live("times out when a bridge is silent, closes, or does not exist", () =>
    Effect.gen(function* () {
      assert.include(yield* failureOf(yield* bridge(greeting, () => {})), "no answer within 100 ms")
      assert.include(yield* failureOf(yield* bridge(greeting, (socket) => socket.destroy())), "connection lost")
      assert.include(yield* failureOf(yield* bridge(Buffer.from("HTTP\0\0\0\0"), () => {})), "not OpenFlow")
      assert.include(
        yield* quickly(Effect.map(Effect.flip((yield* bridge(greeting, () => {})).learn("br1", 1, 2n)), String)),
        "br1.mgmt: ENOENT"
      )
    })
  )
})
