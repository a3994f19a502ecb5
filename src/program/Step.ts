/**
 * The steps of a program, declared where they are taken. A dry run writes what it would change under the step at work, and
 * a trace has a span of each.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { spanned } from "./Trace.ts"

export interface Step {
  readonly name: string
  /** What takes a step back is a part of it. */
  readonly undoes: boolean
}

/** The one at work; undefined between steps. */
export const CurrentStep = Context.Reference<Step | undefined>("userspace-cni/Step", { defaultValue: () => undefined })

/** What is a step elsewhere is a part of this one within it. */
const within = <A, E, R>(mine: Step, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(CurrentStep, (outer) => Effect.provideService(self, CurrentStep, outer ?? mine))

export const step = <A, E, R>(name: string, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  spanned(within({ name, undoes: false }, self), name)

export const undoing = <A, E, R>(name: string, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  spanned(within({ name, undoes: true }, self), `undo ${name}`)
