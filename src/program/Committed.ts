/**
 * The commit point of a call: a later signal or deadline cannot roll back a completed ADD or DEL. The result is
 * written at that moment and the process exits, because connections need no orderly close; with spans it exits at the
 * end. A result that cannot be written is a failure while everything can still be rolled back.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type { CniError } from "../cni/types/CniError.ts"

/** Undefined: no document is written. */
type Document = Readonly<{ [key: string]: unknown }> | undefined

/** One for each call; its runner provides it. */
interface Commitment {
  /** Writes the result; nothing is rolled back after that. Fails when it cannot be written. */
  readonly commit: (document: Document) => Effect.Effect<void, CniError>
  /** Whether the result was written. */
  readonly isDone: () => boolean
}

export const Committed = Context.Reference<Commitment>("userspace-cni/Committed", {
  defaultValue: () => ({ commit: () => Effect.void, isDone: () => false })
})

export const commit = (document: Document): Effect.Effect<void, CniError> =>
  Effect.flatMap(Committed, ({ commit }) => commit(document))

/** Commits a call without a document when it succeeds. */
export const committing = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CniError, R> =>
  Effect.uninterruptibleMask((restore) => Effect.tap(restore(self), () => commit(undefined)))

/** How a process answers its caller, and exits. */
export interface Answering<E> {
  readonly tell: (exit: Exit.Exit<Document, E>) => Effect.Effect<void, CniError>
  readonly leave: (exit: Exit.Exit<Document, E | CniError>) => Effect.Effect<void>
}

/** Runs a call until it has an answer, and writes that once. An interruption takes effect on the fiber after that. */
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

/** The name of one ADD, in its record, by which a caller that delegates it finds it. Undefined: a random one. */
export const Invocation = Context.Reference<string | undefined>("userspace-cni/Invocation", {
  defaultValue: () => undefined
})
