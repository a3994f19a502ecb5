/** The interfaces that a `container` command is about, and a report of those that were skipped. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { cureForUntold, type Discovered, find } from "../../../container/Discovery.ts"
import type { Interface } from "../../../container/told/Interface.ts"
import { namesOf, placesOf, type SocketPathsOptions } from "../../input/ContainerFlags.ts"
import { InvocationContext } from "../../input/InvocationContext.ts"
import { CommandLineError } from "../../text/CommandLineError.ts"

export interface ChosenOptions extends SocketPathsOptions {
  readonly interfaces: Option.Option<string>
}

/** Returns the named interfaces, or all when none is named; at least one. */
export const chosen = Effect.fnUntraced(function* (options: ChosenOptions) {
  const { variables } = yield* InvocationContext
  const found = yield* find(placesOf(options, variables))
  return { found, interfaces: yield* named(found, namesOf(options.interfaces)) }
})

export const reportSkipped = ({ problems }: Discovered) =>
  Effect.forEach(problems, (problem) => Console.error(`Skipped: ${problem}`), { discard: true })

const named = (
  found: Discovered,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Interface>, CommandLineError> => {
  const missing = names.filter((name) => !found.interfaces.some((one) => one.name === name))
  return missing.length > 0 || found.interfaces.length === 0
    ? Effect.fail(nothingFound(found, missing))
    : Effect.succeed(found.interfaces.filter(({ name }) => names.length === 0 || names.includes(name)))
}

const nothingFound = ({ interfaces, looked, others, problems }: Discovered, missing: ReadonlyArray<string>) =>
  new CommandLineError({
    failed: missing.length > 0 ? `no configuration of ${missing.join(", ")}` : "no interface of this plugin was found",
    answer: [...looked, ...problems].join("\n"),
    cure: cureForUntold({ interfaces, others })
  })
