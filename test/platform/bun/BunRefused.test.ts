/** Where the C library cannot be called, as on Node. The suite of `Sockets` has bun's answers. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { whyRefused } from "../../../src/platform/bun/BunSockets.ts"

it.live("a holder is not considered dead when that cannot be determined", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* whyRefused("/no/such/socket"), "UNKNOWN")
  })
)
