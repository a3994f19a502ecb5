/**
 * Session cache: ADD reuses the session of preflight for plug. The result of preflight is still valid, because the
 * session holds the attachment's lock. A session is kept for at most a second, because it occupies a connection slot,
 * and closes with the layer. There are never two for one attachment: a second preflight waits for the first, or takes
 * over its session.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Session } from "./Session.ts"
import type { VppError } from "./VppError.ts"

/** Opens a session with the lock of the attachment with this key. */
type Open = (key: string) => Effect.Effect<Session, VppError, Scope.Scope>

interface Opened<A> {
  readonly session: Session
  /** The result of the work for which the session was kept; undefined: it is new. */
  readonly found: A | undefined
}

interface Kept<A> extends Opened<A> {
  readonly scope: Scope.Closeable
}

const keptFor = "1 second"

export const make = Effect.fnUntraced(function* <A>(fresh: Open) {
  const layer = yield* Effect.scope
  const kept = new Map<string, Kept<A>>()

  /** Returns the kept session or a new one; the scope closes it. */
  const open = (key: string): Effect.Effect<Opened<A>, VppError, Scope.Scope> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const mine = kept.get(key)
        if (mine === undefined) return Effect.map(restore(fresh(key)), (session) => ({ session, found: undefined }))
        kept.delete(key)
        return Effect.as(
          Effect.addFinalizer((exit) => Scope.close(mine.scope, exit)),
          { session: mine.session, found: mine.found }
        )
      })
    )

  const expire = (key: string, mine: Kept<A>) =>
    Effect.sleep(keptFor).pipe(
      Effect.andThen(
        Effect.suspend(() => {
          if (kept.get(key) !== mine) return Effect.void
          kept.delete(key)
          return Scope.close(mine.scope, Exit.void)
        })
      )
    )

  /** Runs `work` on a session. If that succeeds, keeps the session for the next `open` of the same attachment. */
  const keep = <E>(key: string, work: (session: Session) => Effect.Effect<A, E>) =>
    // An interruption must not leak the session, because the layer may live for long: it is kept or closed.
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(layer)
        const done = Effect.flatMap(Scope.provide(open(key), scope), ({ session }) =>
          Effect.map(work(session), (found) => ({ found, session }))
        )
        const { found, session } = yield* Effect.onExit(restore(done), (exit) =>
          Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)
        )
        const mine = { session, found, scope }
        kept.set(key, mine)
        yield* Effect.forkIn(Effect.interruptible(expire(key, mine)), layer)
      })
    )

  return { open, keep }
})
