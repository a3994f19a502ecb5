/**
 * What the declarations of commands share: a text that may be left out, a path that has a default, a switch that is
 * off, and an implementation that is loaded when its command runs.
 */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"

const described = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

export const text = (name: string, metavar: string, description: string) =>
  described(name, metavar, description).pipe(Flag.optional)

export const textOr = (name: string, metavar: string, description: string, otherwise: string) =>
  described(name, metavar, description).pipe(Flag.withDefault(otherwise))

export const yes = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

/** Only a dynamic `import` of the implementation keeps it out of `--help` and of the other commands. */
export const onDemand =
  <M, O, A, E, R>(load: () => Promise<M>, perform: (module: M) => (options: O) => Effect.Effect<A, E, R>) =>
  (options: O): Effect.Effect<A, E, R> =>
    Effect.flatMap(Effect.promise(load), (module) => perform(module)(options))
