/**
 * The steps of a program, declared where they run. A dry run attributes each change to the current step, and a trace
 * has a span for each.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { spanned } from "./Trace.ts"

export interface Step {
  readonly name: string
  /** True: the step rolls another one back, and is part of it. */
  readonly undoes: boolean
}

/** The current step; undefined between steps. */
export const CurrentStep = Context.Reference<Step | undefined>("userspace-cni/Step", { defaultValue: () => undefined })

/** A step that runs inside another one is part of it. */
const within = <A, E, R>(mine: Step, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(CurrentStep, (outer) => Effect.provideService(self, CurrentStep, outer ?? mine))

export const step = <A, E, R>(name: string, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  spanned(within({ name, undoes: false }, self), name)

export const undoing = <A, E, R>(name: string, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  spanned(within({ name, undoes: true }, self), `undo ${name}`)
