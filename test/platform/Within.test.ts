/** A deadline is for what does not come, not for a process without a processor. */
import { connect, createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { within } from "../../src/platform/Sockets.ts"
import { temporaryDirectory } from "../vpp/support/TestVpp.ts"

const soon = within({ duration: "50 millis", orElse: () => Effect.succeed("too late") })

/** The process does not run for that long. */
const starve = (millis: number) =>
  Effect.sync(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis))

describe("within", () => {
  it.live("accepts what came before the deadline, however late the process runs", () =>
    Effect.gen(function* () {
      const path = `${yield* temporaryDirectory}/s`
      const server = createServer((peer) => peer.end("hello"))
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(path, () => resume(Effect.void))),
        () => Effect.sync(() => server.close())
      )
      const answer = Effect.callback<string>((resume) => {
        const socket = connect(path)
        socket.on("connect", () => resume(Effect.succeed("connected")))
        return Effect.sync(() => socket.destroy())
      })
      assert.strictEqual(yield* Effect.race(soon(answer), Effect.andThen(starve(200), Effect.never)), "connected")
    })
  )

  it.live("times out otherwise, and interrupts the effect", () =>
    Effect.gen(function* () {
      let interrupted = false
      const never = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          interrupted = true
        })
      )
      assert.strictEqual(yield* soon(never), "too late")
      assert.isTrue(interrupted)
    })
  )

  it.live("passes on a failure that came in time", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(soon(Effect.fail("no"))), "no")
    })
  )
})
