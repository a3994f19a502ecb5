/**
 * The flags of every `container` command, and the interfaces that they select. Each path has a variable as well, for a
 * pod's `env`.
 */
import * as Console from "effect/Console"
import type { Command } from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Variables } from "../../../cni/types/Environment.ts"
import type { ContainerError } from "../../../container/ContainerError.ts"
import {
  cureForUntold,
  type Discovered,
  defaultDirectory,
  defaultSearchPaths,
  find,
  type SearchPaths
} from "../../../container/Discovery.ts"
import type { Interface } from "../../../container/read/Interface.ts"
import { text } from "../../input/Flags.ts"
import { CommandLineError, InvocationContext } from "../../print/Printer.ts"

export const placeFlags = {
  annotations: text(
    "annotations",
    "FILE",
    `The pod's annotations, from the downward API (USERSPACE_ANNOTATIONS; default: ${defaultSearchPaths.annotations})`
  ),
  dir: text(
    "dir",
    "DIR",
    `Mount point of the pod's volume shared-dir (USERSPACE_DIR; default: from the annotations, or ${defaultDirectory})`
  ),
  deviceInfo: Flag.KeyValuePair("device-info").pipe(
    Flag.withMetavar("NAME=FILE"),
    Flag.withDescription("Device information file and the interface that it describes; repeatable"),
    Flag.withDefault({})
  ),
  containerId: text(
    "container-id",
    "ID",
    "Sandbox ID or a prefix of it (USERSPACE_CONTAINER_ID; default: from this container's mounts)"
  )
}

export const interfacesFlag = text("interfaces", "NAMES", "Only these interfaces, comma-separated: net1,net2")

export type PlaceOptions = Command.Config.Infer<typeof placeFlags>

export const placesOf = (
  { annotations, containerId, deviceInfo, dir }: PlaceOptions,
  variables: Variables
): SearchPaths => {
  const given = (option: Option.Option<string>, variable: string): string | undefined =>
    Option.getOrUndefined(option) ?? (variables[variable] || undefined)
  return {
    annotations: given(annotations, "USERSPACE_ANNOTATIONS") ?? defaultSearchPaths.annotations,
    directory: given(dir, "USERSPACE_DIR"),
    deviceInfo,
    containerId: given(containerId, "USERSPACE_CONTAINER_ID")
  }
}

export const namesOf = (option: Option.Option<string>): ReadonlyArray<string> =>
  Option.getOrElse(option, () => "")
    .split(",")
    .flatMap((name) => name.trim() || [])

export const fromContainer = ({ cure, details, operation }: ContainerError) =>
  new CommandLineError({ failed: operation, answer: details.join("\n"), cure })

/** Returns the named interfaces, or all when none is named; at least one. */
export const chosen = Effect.fnUntraced(function* (
  options: PlaceOptions & { readonly interfaces: Option.Option<string> }
) {
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
