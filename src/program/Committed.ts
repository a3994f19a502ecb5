/**
 * The commit point of a call: a completed ADD or DEL whose result was delivered cannot be rolled back by a later signal
 * or deadline. The result is written at that moment, and the process exits: connections need no orderly close. With
 * spans it exits at the end, which logs each. A result that cannot be written is a failure while everything can still
 * be rolled back.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type { CniError } from "../cni/spec/CniError.ts"

/** Undefined: no document. */
type Document = Readonly<{ [key: string]: unknown }> | undefined

/** One for each call, provided by its runner. */
export interface Commitment {
  /** Writes the result; nothing is rolled back after that. Fails when it cannot be written. */
  readonly commit: (document: Document) => Effect.Effect<void, CniError>
  /** Whether it was written. */
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
