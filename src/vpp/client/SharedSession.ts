/**
 * One session with VPP for all who work with it at the same time, in a process of many calls: hello and goodbye, with the
 * table of VPP's messages, take longer than what most calls ask. It is given up when nobody has needed it for a while, and
 * a new one is opened when VPP has ended it. Who works on an attachment is alone all the same.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import { VppClient } from "./VppClient.ts"

/** `idle`: after the last who needed it. */
export const shared = Effect.fnUntraced(function* <R>(
  make: Effect.Effect<VppClient["Service"], never, R>,
  idle: Duration.Input
): Effect.fn.Return<VppClient["Service"], never, R | Scope.Scope> {
  const client = yield* make
  const session = yield* RcRef.make({ acquire: client.open, idleTimeToLive: idle })
  const open = Effect.gen(function* () {
    const known = yield* RcRef.get(session)
    if (!known.hasEnded()) return known
    yield* RcRef.invalidate(session)
    return yield* RcRef.get(session)
  })
  return VppClient.of({ ...client, open })
})
