/**
 * The flags of every `container` command: where to search the container config, and which interfaces are meant. Each
 * path has a variable as well, for a pod's `env`.
 */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Variables } from "../../cni/spec/Environment.ts"
import type { ContainerError } from "../../container/ContainerError.ts"
import { defaultDirectory, defaultSearchPaths, type SearchPaths } from "../../container/Discovery.ts"
import { CommandLineError } from "../text/CommandLineError.ts"
import { text, yes } from "./Flags.ts"

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

export const jsonFlag = yes("json", "Print JSON")

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** The notation of people and Kubernetes; a bare number is seconds. */
const duration = (text: string): Option.Option<Duration.Duration> => {
  const [, number, unit = "s"] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text) ?? []
  const millis = units[unit]
  return number === undefined || millis === undefined
    ? Option.none()
    : Option.some(Duration.millis(Number(number) * millis))
}

export const everyFlag = Flag.String("every").pipe(
  Flag.withMetavar("TIME"),
  Flag.withDescription("Keep running and repeat after this pause: 1m. Prints only removals and failures"),
  Flag.filterMap(duration, () => "a time such as 60s or 5m"),
  Flag.optional
)

export const timeoutFlag = (otherwise: string, description: string) =>
  Flag.String("timeout").pipe(
    Flag.withMetavar("TIME"),
    Flag.withDescription(`${description}: 90s, 5m, 1h (default: ${otherwise})`),
    Flag.withDefault(otherwise),
    Flag.filterMap(duration, () => "a time such as 60s or 5m")
  )

export interface SocketPathsOptions {
  readonly annotations: Option.Option<string>
  readonly dir: Option.Option<string>
  readonly deviceInfo: Readonly<Record<string, string>>
  readonly containerId: Option.Option<string>
}

export const placesOf = (
  { annotations, containerId, deviceInfo, dir }: SocketPathsOptions,
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
  Option.match(option, {
    onNone: () => [],
    onSome: (names) => names.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]))
  })

export const fromContainer = ({ cure, details, operation }: ContainerError) =>
  new CommandLineError({ failed: operation, answer: details.join("\n"), cure })
