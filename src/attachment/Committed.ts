/**
 * What a call has come to for good: an ADD or a DEL that has ended well cannot be undone by a signal or a deadline that
 * comes later, so its answer stands. It is told at that moment: nobody waits for connections that close by themselves when the
 * process ends. With spans it is told at the end, which has a line in the log for each.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"

/** Undefined: there is nothing to say. */
type Document = Readonly<{ [key: string]: unknown }> | undefined

/** One for each call: whoever runs it provides it. */
export interface Commitment {
  /** Takes the answer, after which nothing will be undone. */
  readonly commit: (document: Document) => Effect.Effect<void>
}

export const Committed = Context.Reference<Commitment>("userspace-cni/Committed", {
  defaultValue: () => ({ commit: () => Effect.void })
})

/** Commits to the answer at the moment at which nothing will be undone any more. */
export const committing =
  <A>(documentOf: (result: A) => Document) =>
  <E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Committed, ({ commit }) =>
      Effect.onExit(self, (exit) => (Exit.isSuccess(exit) ? commit(documentOf(exit.value)) : Effect.void))
    )

/**
 * Runs a call to its answer, whatever interrupts it, and hands that to `tell` once, which is the last word: to the fiber
 * itself an interruption comes again when this is left.
 */
export const answered = <E, R>(
  call: Effect.Effect<Document, E, R>,
  tell: (exit: Exit.Exit<Document, E>) => Effect.Effect<void>
): Effect.Effect<void, never, R> =>
  Effect.suspend(() => {
    let committed: Exit.Exit<Document> | undefined
    let told = false
    const commit = Effect.fnUntraced(function* (document: Document) {
      committed = Exit.succeed(document)
      if (yield* References.TracerEnabled) return
      told = true
      yield* tell(committed)
    })
    return Effect.uninterruptibleMask((restore) =>
      restore(Effect.provideService(call, Committed, { commit })).pipe(
        Effect.exit,
        Effect.flatMap((exit) => (told ? Effect.void : tell(committed ?? exit)))
      )
    )
  })
