/** What receiving a passed file does. */
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import { Context, Effect, Exit, Fiber, Scope } from "effect"
import type { Receive } from "../../src/platform/PassedFile.ts"
import type { SocketError } from "../../src/platform/Sockets.ts"
import { untilTrue } from "../support/Until.ts"
import { directory, listen } from "./SocketsSite.ts"
import { suite } from "./Suite.ts"

/** What it sends to whoever connects: a descriptor, a message without one, or nothing. */
export type Sends = number | "words" | "nothing"

/** Who receives, and who passes. */
export class Passing extends Context.Service<
  Passing,
  {
    readonly receive: Receive
    readonly peer: (path: string, sends: Sends) => Effect.Effect<void, never, Scope.Scope>
  }
>()("userspace-cni/test/Passing") {}

const receive: (
  path: string
) => Effect.Effect<Effect.Success<ReturnType<Receive>>, SocketError, Passing | Scope.Scope> = (path) =>
  Effect.flatMap(Passing, ({ receive }) => receive(path))
const peer = (path: string, sends: Sends) => Effect.flatMap(Passing, ({ peer }) => peer(path, sends))

const file = Effect.fnUntraced(function* (content: string) {
  const path = `${yield* directory}/content`
  Fs.writeFileSync(path, content)
  const descriptor = Fs.openSync(path, "r")
  yield* Effect.addFinalizer(() => Effect.sync(() => Fs.closeSync(descriptor)))
  Fs.rmSync(path)
  return descriptor
})

const open = () => Fs.readdirSync("/proc/self/fd").length

const codeOf = <A, R>(self: Effect.Effect<A, SocketError, R>) =>
  Effect.match(self, { onFailure: ({ code, operation }) => `${operation} ${code}`, onSuccess: () => "received" })

export const passedFiles = suite<Passing>("a file that a daemon passes", (test) => {
  test("is read from any position up to its end", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/s`
      yield* peer(path, yield* file("0123456789"))
      const received = yield* receive(path)
      const read = (at: number, length: number) => {
        const bytes = Buffer.alloc(length)
        return bytes.toString("latin1", 0, received.read(at, bytes))
      }
      assert.deepEqual([read(0, 4), read(4, 4), read(8, 4), read(10, 4), read(4000, 1)], ["0123", "4567", "89", "", ""])
    }))

  test("is closed with its scope, and so is the connection, at once", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/s`
      yield* peer(path, yield* file("content"))
      const scope = yield* Scope.fork(yield* Effect.scope)
      yield* Scope.provide(receive(path), scope)
      // The peer's end of each connection stays with it.
      const before = open()
      yield* Scope.close(scope, Exit.void)
      assert.equal(open(), before - 1)
    }))

  test("reports a missing peer by the system's code", () =>
    Effect.gen(function* () {
      const at = yield* directory
      assert.equal(yield* codeOf(receive(`${at}/none`)), "connect ENOENT")
      Fs.writeFileSync(`${at}/file`, "")
      assert.equal(yield* codeOf(receive(`${at}/file`)), "connect ECONNREFUSED")
      yield* listen(`${at}/stream`)
      assert.equal(yield* codeOf(receive(`${at}/stream`)), "connect EPROTOTYPE")
      assert.equal(yield* codeOf(receive(`${at}/${"long".repeat(30)}`)), "connect ENAMETOOLONG")
    }))

  test("is none when the peer sends none", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/s`
      yield* peer(path, "words")
      assert.equal(yield* codeOf(receive(path)), "read Closed")
    }))

  test("can be awaited and abandoned while the peer hangs, and blocks nobody meanwhile", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/s`
      yield* peer(path, "nothing")
      const before = open()
      const waiting = yield* Effect.forkChild(Effect.scoped(receive(path)))
      yield* untilTrue("both ends of a connection", () => open() >= before + 2, { every: "1 millis" })
      yield* Fiber.interrupt(waiting)
      // Its own end is gone; the peer's stays.
      assert.equal(open(), before + 1)
    }))
})
