/**
 * What a call has come to for good: an ADD or a DEL that has ended well, and whose answer the caller has taken, cannot be
 * undone by a signal or a deadline that comes later. The answer is given at that moment, and the process left: nobody waits
 * for connections that close by themselves when it ends. With spans it is left at the end, which has a line in the log for
 * each. An answer that nobody can take is a failure, while all can still be undone.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type { CniError } from "../cni/spec/CniError.ts"

/** Undefined: there is nothing to say. */
type Document = Readonly<{ [key: string]: unknown }> | undefined

/** One for each call: whoever runs it provides it. */
export interface Commitment {
  /** Gives the answer, after which nothing will be undone. Fails when it cannot be taken. */
  readonly commit: (document: Document) => Effect.Effect<void, CniError>
  /** Whether it was given. */
  readonly isDone: () => boolean
}

export const Committed = Context.Reference<Commitment>("userspace-cni/Committed", {
  defaultValue: () => ({ commit: () => Effect.void, isDone: () => false })
})

export const commit = (document: Document): Effect.Effect<void, CniError> =>
  Effect.flatMap(Committed, ({ commit }) => commit(document))

/** Of a call that answers with nothing, when it is done. */
export const committing = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CniError, R> =>
  Effect.uninterruptibleMask((restore) => Effect.tap(restore(self), () => commit(undefined)))

/** How a process answers its caller, and ends. */
export interface Answering<E> {
  readonly tell: (exit: Exit.Exit<Document, E>) => Effect.Effect<void, CniError>
  readonly leave: (exit: Exit.Exit<Document, E | CniError>) => Effect.Effect<void>
}

/**
 * Runs a call to its answer, whatever interrupts it, and gives that once, which is the last word: to the fiber itself an
 * interruption comes again when this is left.
 */
export const answered = <E, R>(
  call: Effect.Effect<Document, E, R>,
  { leave, tell }: Answering<E>
): Effect.Effect<void, never, R> =>
  Effect.suspend(() => {
    let committed: Exit.Exit<Document> | undefined
    let left = false
    const commit = Effect.fnUntraced(function* (document: Document) {
      const exit = Exit.succeed(document)
      yield* tell(exit)
      committed = exit
      if (yield* References.TracerEnabled) return
      left = true
      yield* leave(exit)
    }, Effect.uninterruptible)
    const end = (exit: Exit.Exit<Document, E>) =>
      Effect.matchEffect(tell(exit), {
        onFailure: (error) => leave(Exit.fail(error)),
        onSuccess: () => leave(exit)
      })
    return Effect.uninterruptibleMask((restore) =>
      restore(Effect.provideService(call, Committed, { commit, isDone: () => committed !== undefined })).pipe(
        Effect.exit,
        Effect.flatMap((exit) => (left ? Effect.void : committed === undefined ? end(exit) : leave(committed)))
      )
    )
  })
