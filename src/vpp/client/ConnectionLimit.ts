/**
 * A turn at one VPP: at most so many of our processes talk to it at the same time, across processes and without a lock
 * file. 16 connections that drop at once, as when a node's plugins are all killed, hang VPP 25.06 to 26.06 for ever.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { SlotError, Slots } from "../../platform/Slots.ts"

/** Half of what is fatal: those who come while others are dying are counted twice for a moment. */
export const turns = 8

/** Waits until one is free, and has it until the scope closes. Has no deadline of its own. */
export const take = Effect.fnUntraced(function* (
  slots: Slots["Service"],
  name: string,
  count: number = turns
): Effect.fn.Return<void, SlotError, Scope.Scope> {
  while (true) {
    const first = yield* Random.nextIntBetween(0, count)
    for (let n = 0; n < count; n++) {
      if (yield* slots.hold(`${name}/${(first + n) % count}`)) return
    }
    yield* slots.freed(`${name}/${first}`)
  }
})
