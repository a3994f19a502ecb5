/**
 * The steps of a program, declared where they are taken, changes with their undo, and the commit point after which
 * nothing is undone. A dry run lists changes under the current step, and a trace has a span for each. The undo is
 * registered before its change, which may fail half-way or lose its answer, so every undo inspects what exists and
 * removes only that. The scope runs undos in reverse order, on failure, defect and interruption. A failing undo is
 * logged and hides no other error.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import type { CniError } from "../cni/types/CniError.ts"
import { spanned } from "./Trace.ts"

/** Undefined: no document is written. */
type Document = Readonly<{ [key: string]: unknown }> | undefined

/** One for each call; its runner provides it. */
interface Commitment {
  /** Writes the result; nothing is rolled back after that. Fails when it cannot be written. */
  readonly commit: (document: Document) => Effect.Effect<void, CniError>
  /** Whether the result was written. */
  readonly isDone: () => boolean
}

const Committed = Context.Reference<Commitment>("userspace-cni/Committed", {
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

/**
 * Runs a call until it has an answer, and writes that once: a later signal or deadline cannot roll back a completed ADD
 * or DEL. The result is written at the commit point and the process exits, because connections need no orderly close;
 * with spans it exits at the end. A result that cannot be written is a failure while everything can still be rolled
 * back. An interruption takes effect on the fiber after that.
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

/**
 * Deadlines in seconds; tests shorten them. A runtime kills the plugin at its own deadline, and kubelet gives a sandbox
 * two to four minutes: a plugin that times out earlier can still roll back.
 */
interface Waits {
  /** For one run of an IPAM plugin. Less than 60, at which whereabouts' own DEL times out and reports success. */
  readonly ipam: number
  /** For one rollback step. */
  readonly undo: number
  /** For one probe of STATUS: kubelet asks every five seconds. */
  readonly status: number
  /** For a whole verb. */
  readonly total: number
}

export const Deadlines = Context.Reference<Waits>("userspace-cni/Deadlines", {
  defaultValue: () => ({ ipam: 30, undo: 15, status: 4, total: 90 })
})

interface Step {
  readonly name: string
  /** True: the step rolls another one back, and is part of it. */
  readonly undoes: boolean
}

/** The current step; undefined between steps. */
export const CurrentStep = Context.Reference<Step | undefined>("userspace-cni/Step", { defaultValue: () => undefined })

/** A step that runs inside another one is part of it. */
export const step = <A, E, R>(name: string, self: Effect.Effect<A, E, R>, undoes = false): Effect.Effect<A, E, R> =>
  spanned(
    Effect.flatMap(CurrentStep, (outer) => Effect.provideService(self, CurrentStep, outer ?? { name, undoes })),
    undoes ? `undo ${name}` : name
  )

/** Whether any undo failed. */
export const IncompleteRollback = Context.Reference<{ any: boolean }>("userspace-cni/Leftovers", {
  defaultValue: () => ({ any: false })
})

/** The scope of revertible changes. Its incomplete undos are visible inside, and not outside. */
export const rolledBack = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.suspend(() => Effect.provideService(Effect.scoped(self), IncompleteRollback, { any: false }))

export const revertible = <A, E, R, E2, R2>(
  name: string,
  apply: Effect.Effect<A, E, R>,
  undo: Effect.Effect<unknown, E2, R2>
): Effect.Effect<A, E, R | R2 | Scope.Scope> =>
  Effect.andThen(
    Effect.addFinalizer((exit) =>
      Effect.flatMap(Committed, ({ isDone }) => (Exit.isSuccess(exit) || isDone() ? Effect.void : undone(name, undo)))
    ),
    step(name, apply)
  )

const undone = Effect.fnUntraced(function* <E, R>(name: string, undo: Effect.Effect<unknown, E, R>) {
  const { undo: seconds } = yield* Deadlines
  const incomplete = yield* IncompleteRollback
  yield* step(name, Effect.timeout(undo, `${seconds} seconds`), true).pipe(
    Effect.matchCauseEffect({
      onFailure: (cause) => {
        incomplete.any = true
        return Effect.logWarning(`could not undo "${name}": the next DEL of this attachment will`, cause)
      },
      onSuccess: () => Effect.logInfo(`undid "${name}"`)
    })
  )
})
