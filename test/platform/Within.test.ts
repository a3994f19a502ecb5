/** A deadline is for what does not come, not for who has no processor to look. */
import { connect, createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { within } from "../../src/platform/Within.ts"
import { temporaryDirectory } from "../vpp/support/TestVpp.ts"

const soon = within({ duration: "50 millis", orElse: () => Effect.succeed("too late") })

/** The process does not run for that long. */
const starve = (millis: number) =>
  Effect.sync(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis))

describe("within", () => {
  it.live("what has come meanwhile counts, however late the process gets to look at it", () =>
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

  it.live("what does not come is too late, and is interrupted", () =>
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

  it.live("a failure in time is that failure", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(soon(Effect.fail("no"))), "no")
    })
  )
})
