/**
 * Connection limit for one VPP: at most this many processes of the plugin are connected at the same time, without a
 * lock file. 16 connections that drop at once, for example when all plugins of a node are killed, hang VPP 25.06 to
 * 26.06.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { SlotError, Slots } from "../../platform/Slots.ts"

/** Half the number that hangs VPP; dying and new connections overlap for a moment. */
export const turns = 8

/** How long one slot is waited for before all are tried again, first and at most, in milliseconds. */
const firstWait = 50
const longestWait = 1_000

/**
 * Waits for a free slot, and holds it until the scope closes. Has no deadline. A process that watches VPP can hold a
 * slot for hours while others come free, so the wait for one slot is bounded.
 */
export const take = Effect.fnUntraced(function* (
  slots: Slots["Service"],
  name: string,
  count: number = turns
): Effect.fn.Return<void, SlotError, Scope.Scope> {
  for (let wait = firstWait; ; wait = Math.min(2 * wait, longestWait)) {
    const first = yield* Random.nextIntBetween(0, count, { halfOpen: true })
    for (let n = 0; n < count; n++) {
      if (yield* slots.hold(`${name}/${(first + n) % count}`)) return
    }
    yield* Effect.timeoutOption(slots.freed(`${name}/${first}`), wait)
  }
})
