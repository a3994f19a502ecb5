/** One connection: overlapping calls, echo, and all the ways in which it ends. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import * as JsonRpc from "../../../src/ovs/client/JsonRpc.ts"
import { NoAnswer } from "../../../src/ovs/client/OvsdbError.ts"
import { Sockets } from "../../../src/platform/Sockets.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { type Behaviour, peer, type Request, reply } from "../support/OvsdbPeer.ts"

const second = Duration.seconds(1)

const connected = Effect.fnUntraced(function* (behave: Behaviour, limit?: number) {
  const server = yield* peer(behave)
  const sockets = yield* Sockets
  const rpc = yield* JsonRpc.make(yield* sockets.connect(server.path), limit)
  return { rpc, server }
}, Effect.provide(NodeSockets.layer))

const none = [] as const
const tagOf = (self: Effect.Effect<unknown, { readonly _tag: string }>) =>
  Effect.map(Effect.flip(self), ({ _tag }) => _tag)

describe("JsonRpc", () => {
  it.live("matches replies to calls in any order", () =>
    Effect.gen(function* () {
      const held: Array<Request> = []
      const { rpc } = yield* connected((request, socket) => {
        held.push(request)
        if (held.length === 20) for (const one of held.reverse()) reply(socket, one, one.params)
      })
      const numbers = Array.from({ length: 20 }, (_, number) => number)
      const answers = yield* Effect.all(
        numbers.map((number) => rpc.call("transact", [number], second)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        answers,
        numbers.map((number) => [number])
      )
    })
  )

  it.live("answers the server's echo while it waits", () =>
    Effect.gen(function* () {
      const { rpc, server } = yield* connected((request, socket) => {
        socket.write('{"id":"echo","method":"echo","params":["still","there",7]}')
        reply(socket, request, "done")
      })
      assert.strictEqual(yield* rpc.call("transact", none, second), "done")
      yield* rpc.call("transact", none, second)
      assert.include(server.received[1] ?? "", '{"id":"echo","result":["still","there",7],"error":null}')
    })
  )

  it.live("ignores notifications and replies that nobody waits for", () =>
    Effect.gen(function* () {
      const { rpc } = yield* connected((request, socket) => {
        socket.write('{"id":null,"method":"update","params":["mon",{}]} {"id":999,"result":1,"error":null}')
        socket.write('{"id":"text","result":1,"error":null}\n')
        reply(socket, request, [])
      })
      assert.deepStrictEqual(yield* rpc.call("transact", none, second), [])
    })
  )

  it.live("times out, and the connection continues without the late reply", () =>
    Effect.gen(function* () {
      let late: (() => void) | undefined
      const { rpc } = yield* connected((request, socket, nth) => {
        if (nth === 0) late = () => reply(socket, request, "late")
        else {
          late?.()
          reply(socket, request, "in time")
        }
      })
      const failure = yield* Effect.flip(rpc.call("transact", none, Duration.millis(30)))
      assert.deepStrictEqual(failure, new NoAnswer({ millis: 30 }))
      assert.strictEqual(yield* rpc.call("transact", none, second), "in time")
    })
  )

  it.live("fails all pending and later calls when the connection is lost in the middle of a reply", () =>
    Effect.gen(function* () {
      const { rpc } = yield* connected((_, socket, nth) => {
        if (nth === 1) socket.end('{"id":0,"resu')
      })
      const waiting = yield* Effect.forkChild(
        Effect.all([tagOf(rpc.call("a", none, second)), tagOf(rpc.call("b", none, second))], {
          concurrency: "unbounded"
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["ConnectionLost", "ConnectionLost"])
      assert.strictEqual(yield* tagOf(rpc.call("c", none, second)), "ConnectionLost")
      assert.strictEqual(rpc.ended()?._tag, "ConnectionLost")
    })
  )

  for (const [what, rubbish, words] of [
    ["rubbish between messages", "HTTP/1.1 400 Bad Request\r\n\r\n", "byte 0x48 between messages"],
    ["a message that is no JSON", "{garbage}", 'received "{garbage}"'],
    ["an array instead of an object", "[1,2]", 'received "[1,2]"'],
    ["a method that is no text", '{"id":0,"method":7}', "received"],
    ["a message without an end", `{"id":0,"result":"${"x".repeat(3000)}`, "a message of more than 2048 bytes"],
    ["brackets without an end", "[".repeat(3000), "a message of more than 2048 bytes"]
  ] as const) {
    it.live(`fails with the bytes that came when the server sends ${what}`, () =>
      Effect.gen(function* () {
        const { rpc } = yield* connected((_, socket) => void socket.write(rubbish), 2048)
        const failure = yield* Effect.flip(rpc.call("transact", none, second))
        assert.include(failure._tag === "Malformed" ? failure.detail : failure._tag, words)
        assert.strictEqual(yield* tagOf(rpc.call("transact", none, second)), "Malformed")
      })
    )
  }

  it.live("an interrupted call leaves the others alone", () =>
    Effect.gen(function* () {
      const held: Array<() => void> = []
      const { rpc } = yield* connected((request, socket) => {
        held.push(() => reply(socket, request, request.method))
        if (held.length === 3) for (const answer of held) answer()
      })
      const first = yield* Effect.forkChild(rpc.call("first", none, second), { startImmediately: true })
      const other = yield* Effect.forkChild(rpc.call("other", none, second), { startImmediately: true })
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* rpc.call("third", none, second), "third")
      assert.strictEqual(yield* Fiber.join(other), "other")
    })
  )
})
