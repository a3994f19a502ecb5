/**
 * One session with VPP for all work of a process of many calls: hello, the table of VPP's messages, and goodbye take
 * longer than what most calls ask. Requests of different calls are in flight at the same time; replies are matched by
 * context. The session is closed after a time without users, and a session that is no longer usable is replaced by the
 * next user. It holds one connection slot meanwhile (`VppClient.ts`). Locks of attachments are as without it.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import { VppClient } from "./VppClient.ts"

/** `idle`: how long the session stays open after its last user. Whoever waits for its opening fails with it. */
export const shared = Effect.fnUntraced(function* <R>(
  make: Effect.Effect<VppClient["Service"], never, R>,
  idle: Duration.Input
): Effect.fn.Return<VppClient["Service"], never, R | Scope.Scope> {
  const client = yield* make
  const session = yield* RcRef.make({ acquire: client.open, idleTimeToLive: idle })
  const open = Effect.gen(function* () {
    const known = yield* RcRef.get(session)
    if (known.usable()) return known
    yield* RcRef.invalidate(session)
    return yield* RcRef.get(session)
  })
  return VppClient.of({ ...client, open })
})
