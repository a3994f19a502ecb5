/** The part of the suite of `Sockets` about connecting: invalid paths, and a peer with too many callers. */
import * as assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { Effect, Fiber } from "effect"
import { Sockets } from "../../src/platform/Sockets.ts"
import { codeOf, directory, listen, turns } from "./SocketsSite.ts"
import { suite } from "./Suite.ts"

/**
 * A server with the shortest possible queue, whose socket had another name when it was bound; prints when it listens.
 */
const listens = `
const [, path] = process.argv
require("node:net").createServer().listen({ path: path + ".new", backlog: 1 }, () => {
  require("node:fs").renameSync(path + ".new", path)
  console.log("up")
})`

/** A process, after its first output. */
const started = (program: string, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.callback<ChildProcess>((resume) => {
      const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] })
      child.stdout.once("data", () => resume(Effect.succeed(child)))
    }),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )

const bun = join(import.meta.dirname, "../../node_modules/.bin/bun")
const seqpacket = join(import.meta.dirname, "../platform/support/bun-seqpacket.ts")

/** Root has all permissions, so the call is made as a user without them. */
const withoutRoot = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  process.getuid?.() === 0
    ? Effect.acquireUseRelease(
        Effect.sync(() => process.seteuid?.(65534)),
        () => self,
        () => Effect.sync(() => process.seteuid?.(0))
      )
    : self

export const socketsConnect = suite<Sockets>("Sockets, that cannot connect", (test) => {
  test("ENOENT when there is no socket", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/nothing`
      const sockets = yield* Sockets
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(path))), "connect ENOENT")
    }))

  test("ECONNREFUSED when nobody listens any more, or it is no socket", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/stale`
      const sockets = yield* Sockets
      yield* Effect.scoped(
        Effect.andThen(
          listen(`${path}.live`),
          Effect.sync(() => Fs.renameSync(`${path}.live`, path))
        )
      )
      yield* turns(1)
      assert.ok(Fs.lstatSync(path).isSocket())
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(path))), "connect ECONNREFUSED")
      Fs.writeFileSync(`${path}.file`, "")
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(`${path}.file`))), "connect ECONNREFUSED")
    }))

  test("EPROTOTYPE when a memif listens", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/memif`
      const sockets = yield* Sockets
      yield* started(bun, [seqpacket, path])
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(path))), "connect EPROTOTYPE")
    }))

  test("EACCES without permission", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/private`
      const sockets = yield* Sockets
      yield* listen(path)
      Fs.chmodSync(path, 0)
      Fs.chmodSync(join(path, ".."), 0o755)
      assert.equal(yield* codeOf(withoutRoot(Effect.scoped(sockets.connect(path)))), "connect EACCES")
    }))

  test("waits while the peer's listen queue is full", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/busy`
      const sockets = yield* Sockets
      const server = yield* started("node", ["-e", listens, path])
      server.kill("SIGSTOP")
      const calls = yield* Effect.forEach(Array.from({ length: 20 }), () =>
        Effect.forkScoped(sockets.connect(path), { startImmediately: true })
      )
      yield* turns(200)
      assert.ok(calls.some((call) => call.pollUnsafe() === undefined))
      server.kill("SIGCONT")
      yield* Fiber.joinAll(calls)
    }))

  test("connects to a path of 107 bytes and refuses one of 108", () =>
    Effect.gen(function* () {
      const base = `${yield* directory}/`
      const sockets = yield* Sockets
      const longest = base + "x".repeat(107 - base.length)
      yield* listen(longest)
      yield* Effect.scoped(sockets.connect(longest))
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(`${longest}x`))), "connect ENAMETOOLONG")
      const wide = base + "ü".repeat((108 - base.length + 1) >> 1)
      assert.equal(yield* codeOf(Effect.scoped(sockets.connect(wide))), "connect ENAMETOOLONG")
    }))
})
