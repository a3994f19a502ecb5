/**
 * What every layer of `Sockets` does. The cases are data, so that vitest can run them on Node's layer and a small
 * program on bun's; that is why they assert with node's own module. The peer is a `node:net` server in the same process.
 */
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Fiber, Scope } from "effect"
import { type Connection, type SocketError, Sockets } from "../../src/platform/Sockets.ts"

export interface SocketsCase {
  readonly name: string
  readonly run: Effect.Effect<void, SocketError, Sockets | Scope.Scope>
}

const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "sockets-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** Resumes when `probe` is true: it is asked again at every turn of the event loop. */
const until = (probe: () => boolean): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const ask = () => {
      if (probe()) resume(Effect.void)
      else next = setImmediate(ask)
    }
    let next = setImmediate(ask)
    return Effect.sync(() => clearImmediate(next))
  })

/** Lets everything happen that can happen by itself: the event loop has looked at every descriptor this often. */
const turns = (count: number) => {
  let left = count
  return until(() => left-- <= 0)
}

const listen = Effect.fnUntraced(function* (path: string) {
  const accepted: Array<Net.Socket> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
        socket.on("error", () => {})
        accepted.push(socket)
      })
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        for (const socket of accepted) socket.destroy()
        server.close()
      })
  )
  return { server, accepted }
})

/** A connection and its other end, which reads nothing until it is told to. */
const pair = Effect.gen(function* () {
  const path = `${yield* directory}/s`
  const { accepted } = yield* listen(path)
  const sockets = yield* Sockets
  const scope = yield* Scope.fork(yield* Effect.scope)
  const connection = yield* Scope.provide(sockets.connect(path), scope)
  yield* until(() => accepted.length > 0)
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

/** Differs at every place from itself moved, for any move that is no multiple of 251. */
const pattern = (size: number, seed: number) =>
  Buffer.alloc(size, Buffer.from(Uint8Array.from({ length: 251 }, (_, i) => (i * seed) % 251)))

const codeOf = (self: Effect.Effect<unknown, SocketError, Sockets>): Effect.Effect<string, never, Sockets> =>
  Effect.match(self, { onFailure: ({ code, operation }) => `${operation} ${code}`, onSuccess: () => "succeeded" })

/** Root may do anything, so the call is made as somebody who may not. */
const withoutRoot = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  process.getuid?.() === 0
    ? Effect.acquireUseRelease(
        Effect.sync(() => process.seteuid?.(65534)),
        () => self,
        () => Effect.sync(() => process.seteuid?.(0))
      )
    : self

const mebibyte = 1024 * 1024

export const cases: ReadonlyArray<SocketsCase> = [
  {
    name: "carries bytes both ways",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const received = collect(peer)
      yield* connection.write(Buffer.from("to the peer"))
      yield* until(() => received().toString() === "to the peer")
      peer.write("from the peer")
      assert.equal(text(yield* readBytes(connection, 13)), "from the peer")
    })
  },
  {
    name: "gives what came before anybody read, in order",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      for (let i = 0; i < 100; i++) peer.write(`${i},`)
      yield* turns(20)
      const expected = Array.from({ length: 100 }, (_, i) => `${i},`).join("")
      assert.equal(text(yield* readBytes(connection, expected.length)), expected)
    })
  },
  {
    name: "resumes a write only when the kernel has taken all of it",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const sent = pattern(8 * mebibyte, 7)
      const writing = yield* Effect.forkChild(connection.write(sent), { startImmediately: true })
      yield* turns(200)
      assert.equal(writing.pollUnsafe(), undefined)
      const received = collect(peer)
      yield* Fiber.join(writing)
      yield* until(() => received().length === sent.length)
      assert.ok(received().equals(sent))
    })
  },
  {
    name: "does not mix two writes",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const [one, two] = [pattern(3 * mebibyte, 3), pattern(3 * mebibyte, 5)]
      const received = collect(peer)
      yield* Effect.all([connection.write(one), connection.write(two)], { concurrency: "unbounded" })
      yield* until(() => received().length === one.length + two.length)
      assert.ok(received().equals(Buffer.concat([one, two])))
    })
  },
  {
    name: "leaves in the kernel what nobody reads",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const sent = pattern(8 * mebibyte, 11)
      peer.write(sent)
      yield* turns(200)
      assert.ok(peer.writableLength > 4 * mebibyte, `${peer.writableLength} bytes still to send`)
      assert.ok((yield* readBytes(connection, sent.length)).equals(sent))
    })
  },
  {
    name: "an interrupted read takes nothing",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const reading = yield* Effect.forkChild(connection.read, { startImmediately: true })
      yield* turns(5)
      yield* Fiber.interrupt(reading)
      peer.write("whole")
      yield* turns(5)
      assert.equal(text(yield* readBytes(connection, 5)), "whole")
    })
  },
  {
    name: "gives the rest, then fails with Closed, and for ever, when the peer ends",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      peer.end("last words")
      assert.equal(text(yield* readBytes(connection, 10)), "last words")
      assert.equal(yield* codeOf(connection.read), "read Closed")
      assert.equal(yield* codeOf(connection.read), "read Closed")
    })
  },
  {
    name: "wakes a reader when the peer goes away",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const reading = yield* Effect.forkChild(codeOf(connection.read), { startImmediately: true })
      yield* turns(5)
      peer.destroy()
      assert.equal(yield* Fiber.join(reading), "read Closed")
    })
  },
  {
    name: "fails a write with Closed when the peer is gone",
    run: Effect.gen(function* () {
      const { connection, peer } = yield* pair
      const writing = yield* Effect.forkChild(codeOf(connection.write(pattern(8 * mebibyte, 3))), {
        startImmediately: true
      })
      yield* turns(20)
      peer.destroy()
      assert.equal(yield* Fiber.join(writing), "write Closed")
      assert.equal(yield* codeOf(connection.write(Buffer.from("more"))), "write Closed")
    })
  },
  {
    name: "is closed by its scope, and what was written arrives",
    run: Effect.gen(function* () {
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
      yield* until(() => ended.ended)
      assert.equal(received().toString(), "goodbye")
      assert.equal(yield* codeOf(connection.read), "read Closed")
      assert.equal(yield* codeOf(connection.write(Buffer.from("late"))), "write Closed")
    })
  },
  {
    name: "ENOENT when there is no socket",
    run: Effect.gen(function* () {
      const path = `${yield* directory}/nothing`
      const sockets = yield* Sockets
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(path))), "connect ENOENT")
    })
  },
  {
    name: "ECONNREFUSED when nobody listens any more, or it is no socket",
    run: Effect.gen(function* () {
      const path = `${yield* directory}/stale`
      const sockets = yield* Sockets
      yield* Effect.scoped(
        Effect.andThen(
          listen(`${path}.live`),
          Effect.sync(() => Fs.renameSync(`${path}.live`, path))
        )
      )
      yield* until(() => true)
      assert.ok(Fs.lstatSync(path).isSocket())
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(path))), "connect ECONNREFUSED")
      Fs.writeFileSync(`${path}.file`, "")
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(`${path}.file`))), "connect ECONNREFUSED")
    })
  },
  {
    name: "EACCES when it is not ours to use",
    run: Effect.gen(function* () {
      const path = `${yield* directory}/private`
      const sockets = yield* Sockets
      yield* listen(path)
      Fs.chmodSync(path, 0)
      Fs.chmodSync(join(path, ".."), 0o755)
      assert.equal(yield* codeOf(withoutRoot(Effect.scoped(sockets.connect(path)))), "connect EACCES")
    })
  },
  {
    name: "connects to a path of 107 bytes and refuses one of 108",
    run: Effect.gen(function* () {
      const base = `${yield* directory}/`
      const sockets = yield* Sockets
      const longest = base + "x".repeat(107 - base.length)
      yield* listen(longest)
      yield* Effect.scoped(sockets.connect(longest))
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(`${longest}x`))), "connect ENAMETOOLONG")
      const wide = base + "ü".repeat((108 - base.length + 1) >> 1)
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(wide))), "connect ENAMETOOLONG")
    })
  }
]
