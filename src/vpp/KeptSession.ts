/**
 * ADD looks before it plugs, and what it does in between takes no time as a rule: the session of the first serves the
 * second. It is kept for a second at most, because others wait for the turn that it holds, and ends with the layer.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Session } from "./Session.ts"
import type { VppError } from "./VppError.ts"

type Open = Effect.Effect<Session, VppError, Scope.Scope>

export interface Sessions {
  /** The kept one, or a new one; it ends with the scope. */
  readonly open: Open
  /** Works on a session and, when that succeeds, keeps it for whoever opens one next. */
  readonly keep: <A, E>(work: (session: Session) => Effect.Effect<A, E>) => Effect.Effect<A, E | VppError>
}

interface Kept {
  readonly session: Session
  readonly scope: Scope.Closeable
}

const keptFor = "1 second"

export const make = Effect.fnUntraced(function* (fresh: Open): Effect.fn.Return<Sessions, never, Scope.Scope> {
  const layer = yield* Effect.scope
  let kept: Kept | undefined

  const open: Open = Effect.suspend(() => {
    if (kept === undefined) return fresh
    const { scope, session } = kept
    kept = undefined
    return Effect.as(
      Effect.addFinalizer((exit) => Scope.close(scope, exit)),
      session
    )
  })

  const expire = (mine: Kept) =>
    Effect.sleep(keptFor).pipe(
      Effect.andThen(
        Effect.suspend(() => {
          if (kept !== mine) return Effect.void
          kept = undefined
          return Scope.close(mine.scope, Exit.void)
        })
      )
    )

  const keep: Sessions["keep"] = Effect.fnUntraced(function* (work) {
    const scope = yield* Scope.fork(layer)
    const done = Effect.flatMap(Scope.provide(open, scope), (session) =>
      Effect.map(work(session), (a) => ({ a, session }))
    )
    const { a, session } = yield* Effect.onExit(done, (exit) =>
      Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)
    )
    kept = { session, scope }
    yield* Effect.forkIn(expire(kept), layer)
    return a
  })

  return { open, keep }
})
