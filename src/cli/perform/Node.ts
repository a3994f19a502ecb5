/** Common parts of commands for a whole node: its switches, its records, and reports of failures. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { engineFor, mirrorsFor, onServices } from "../../app/Composition.ts"
import * as Switches from "../../attachment/node/Switches.ts"
import type { Records } from "../../attachment/records/Records.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import { defaultLogOptions } from "../../cni/network/LogOptions.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Ipam } from "../../ipam/Ipam.ts"
import type { Edges } from "../../platform/Edges.ts"
import * as Log from "../../program/Log.ts"
import type { SharedDir } from "../../shared-dir/SharedDir.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { asUser, type CommandLineError, commandLineErrorText } from "../text/CommandLineError.ts"

type OnSwitches<A, E> = (switches: Switches.Switches) => Effect.Effect<A, E, Edges | Ipam | Records | SharedDir>

/** Runs on this node, with its records below `stateDir`. */
export const onNode = <A, E>(stateDir: string, self: OnSwitches<A, E>): Effect.Effect<A, E, Edges> =>
  Effect.scoped(Effect.flatMap(Switches.make(engineFor), self)).pipe(
    Effect.withTracerEnabled(false),
    onServices(stateDir),
    Effect.provide(Log.layer(defaultLogOptions))
  )

/** The same for a command that cleans up, unless its run is dry: it also removes what killed captures have left. */
export const onNodeSwept = <A, E>(stateDir: string, dry: boolean, self: OnSwitches<A, E>): Effect.Effect<A, E, Edges> =>
  onNode(stateDir, dry ? self : (switches) => andSwept(switches, self))

/** Sweeps the switches that were asked. */
const andSwept = Effect.fnUntraced(function* <A, E, R>(
  switches: Switches.Switches,
  self: (switches: Switches.Switches) => Effect.Effect<A, E, R>
) {
  const asked: Array<Control> = []
  const at: Switches.Switches["at"] = (control) => {
    asked.push(control)
    return switches.at(control)
  }
  const done = yield* self({ at })
  const { sweep } = yield* Effect.promise(() => import("../../attachment/capture/Sweep.ts"))
  yield* sweep(Switches.distinct(asked), mirrorsFor)
  return done
})

/** Fails with all problems, if there are any. */
export const failWith = (
  failed: string,
  problems: ReadonlyArray<{ readonly failed: string; readonly cure: string }>
): Effect.Effect<void, CommandLineError> => {
  if (problems.length === 0) return Effect.void
  const lines = (texts: ReadonlyArray<string>) => [...new Set(texts)].join("\n")
  return Effect.fail(
    asUser(failed, lines(problems.map((problem) => problem.failed)), lines(problems.map(({ cure }) => cure)))
  )
}

/** Prints all but the last, and fails with it. */
export const failWithEach = Effect.fnUntraced(function* (errors: ReadonlyArray<CommandLineError>) {
  const { style } = yield* InvocationContext
  for (const error of errors.slice(0, -1)) yield* Console.error(commandLineErrorText(error, style.strong))
  const last = errors.at(-1)
  if (last !== undefined) return yield* last
})

/** A switch that is away goes on to be, and is told once. */
export const complain = (told: ReadonlyArray<string>, now: ReadonlyArray<string>) =>
  Effect.forEach(
    now.filter((words) => !told.includes(words)),
    (words) => Console.error(`userspace: ${words}`),
    { discard: true }
  )

export const problemJson = ({ code, cure, failed }: Explained) => ({ code, failed, cure })

export const print = (json: boolean, document: unknown, text: string) =>
  Console.log(json ? JSON.stringify(document) : text)
