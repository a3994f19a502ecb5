/** The behaviour of every layer of `Sockets`. Runs under bun as well, so it asserts with node's own module. */
import * as assert from "node:assert/strict"
import type * as Net from "node:net"
import { Effect, Exit, Fiber, Scope } from "effect"
import { type Connection, Sockets } from "../../src/platform/Sockets.ts"
import { untilTrue } from "../support/Until.ts"
import { codeOf, directory, listen, turns } from "./SocketsSite.ts"
import { suite } from "./Suite.ts"

/** A connection and its other end, which reads nothing until it is told to. */
const pair = Effect.gen(function* () {
  const path = `${yield* directory}/s`
  const { accepted } = yield* listen(path)
  const sockets = yield* Sockets
  const scope = yield* Scope.fork(yield* Effect.scope)
  const connection = yield* Scope.provide(sockets.connect(path), scope)
  yield* untilTrue("a connection", () => accepted.length > 0)
  const [peer] = accepted
  assert.ok(peer)
  return { connection, peer, close: Scope.close(scope, Exit.void) }
})

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

const readBytes = Effect.fnUntraced(function* (connection: Connection, count: number) {
  const chunks: Array<Uint8Array> = []
  for (let size = 0; size < count; size += chunks.at(-1)?.length ?? 0) chunks.push(yield* connection.read)
  return Buffer.concat(chunks)
})

/** What the peer has received so far; it reads from now on. */
const collect = (peer: Net.Socket) => {
  const chunks: Array<Buffer> = []
  peer.on("data", (chunk: Buffer) => chunks.push(chunk))
  peer.resume()
  return () => Buffer.concat(chunks)
}

/** Differs at every position from itself shifted, for any shift that is not a multiple of 251. */
const pattern = (size: number, seed: number) =>
  Buffer.alloc(size, Buffer.from(Uint8Array.from({ length: 251 }, (_, i) => (i * seed) % 251)))

const mebibyte = 1024 * 1024

export const sockets = suite<Sockets>("Sockets", (test) => {
  test("carries bytes both ways", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const received = collect(peer)
      yield* connection.write(Buffer.from("to the peer"))
      yield* untilTrue("what was written", () => received().toString() === "to the peer")
      peer.write("from the peer")
      assert.equal(text(yield* readBytes(connection, 13)), "from the peer")
    }))

  test("gives what came before anybody read, in order", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      for (let i = 0; i < 100; i++) peer.write(`${i},`)
      yield* turns(20)
      const expected = Array.from({ length: 100 }, (_, i) => `${i},`).join("")
      assert.equal(text(yield* readBytes(connection, expected.length)), expected)
    }))

  test("resumes a write only when the kernel has taken all of it", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const sent = pattern(8 * mebibyte, 7)
      const writing = yield* Effect.forkChild(connection.write(sent), { startImmediately: true })
      yield* turns(200)
      assert.equal(writing.pollUnsafe(), undefined)
      const received = collect(peer)
      yield* Fiber.join(writing)
      yield* untilTrue("all that was written", () => received().length === sent.length)
      assert.ok(received().equals(sent))
    }))

  test("does not mix two writes", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const [one, two] = [pattern(3 * mebibyte, 3), pattern(3 * mebibyte, 5)]
      const received = collect(peer)
      yield* Effect.all([connection.write(one), connection.write(two)], { concurrency: "unbounded" })
      yield* untilTrue("both writes", () => received().length === one.length + two.length)
      assert.ok(received().equals(Buffer.concat([one, two])))
    }))

  test("leaves in the kernel what nobody reads", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const sent = pattern(8 * mebibyte, 11)
      peer.write(sent)
      yield* turns(200)
      assert.ok(peer.writableLength > 4 * mebibyte, `${peer.writableLength} bytes still to send`)
      assert.ok((yield* readBytes(connection, sent.length)).equals(sent))
    }))

  test("an interrupted read takes nothing", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const reading = yield* Effect.forkChild(connection.read, { startImmediately: true })
      yield* turns(5)
      yield* Fiber.interrupt(reading)
      peer.write("whole")
      yield* turns(5)
      assert.equal(text(yield* readBytes(connection, 5)), "whole")
    }))

  test("gives the rest, then fails with Closed, and for ever, when the peer ends", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      peer.end("last words")
      assert.equal(text(yield* readBytes(connection, 10)), "last words")
      assert.equal(yield* codeOf(connection.read), "read Closed")
      assert.equal(yield* codeOf(connection.read), "read Closed")
    }))

  test("wakes a reader when the peer goes away", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const reading = yield* Effect.forkChild(codeOf(connection.read), { startImmediately: true })
      yield* turns(5)
      peer.destroy()
      assert.equal(yield* Fiber.join(reading), "read Closed")
    }))

  test("fails a write with Closed when the peer is gone", () =>
    Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const writing = yield* Effect.forkChild(codeOf(connection.write(pattern(8 * mebibyte, 3))), {
        startImmediately: true
      })
      yield* turns(20)
      peer.destroy()
      assert.equal(yield* Fiber.join(writing), "write Closed")
      assert.equal(yield* codeOf(connection.write(Buffer.from("more"))), "write Closed")
    }))

  test("is closed by its scope, and what was written arrives", () =>
    Effect.gen(function* () {
      const { close, connection, peer } = yield* pair
      const ended = yield* Effect.sync(() => {
        const state = { ended: false }
        peer.on("end", () => {
          state.ended = true
        })
        return state
      })
      yield* connection.write(Buffer.from("goodbye"))
      yield* close
      const received = collect(peer)
      yield* untilTrue("the end", () => ended.ended)
      assert.equal(received().toString(), "goodbye")
      assert.equal(yield* codeOf(connection.read), "read Closed")
      assert.equal(yield* codeOf(connection.write(Buffer.from("late"))), "write Closed")
    }))
})
