/** Where the C library cannot be asked, which is so on Node. What bun answers is in the suite of `Sockets`. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { whyRefused } from "../../../src/platform/bun/BunRefused.ts"

it.live("a holder is not considered dead when that cannot be determined", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* whyRefused("/no/such/socket"), "UNKNOWN")
  })
)
