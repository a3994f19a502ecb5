/** Flags as most commands have them: a text that may be left out, a path that has a default, a switch that is off. */
import * as Flag from "effect/cli/Flag"

const described = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

export const text = (name: string, metavar: string, description: string) =>
  described(name, metavar, description).pipe(Flag.optional)

export const textOr = (name: string, metavar: string, description: string, otherwise: string) =>
  described(name, metavar, description).pipe(Flag.withDefault(otherwise))

export const yes = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))
