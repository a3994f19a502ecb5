/** Flags that several commands have, and the types of what they give. */

import type { Command } from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Control } from "../../cni/network/HostPort.ts"
import { defaultStateDir } from "../../cni/network/Validators.ts"
import type { Variables } from "../../cni/types/Environment.ts"

const described = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

export const text = (name: string, metavar: string, description: string) =>
  described(name, metavar, description).pipe(Flag.optional)

export const textOr = (name: string, metavar: string, description: string, otherwise: string) =>
  described(name, metavar, description).pipe(Flag.withDefault(otherwise))

export const yes = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

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
  // Rounds without a pause would keep a switch busy.
  Flag.filterMap(
    (time) => Option.filter(duration(time), (pause) => !Duration.isZero(pause)),
    () => "a time above zero such as 60s or 5m"
  ),
  Flag.optional
)

export const timeoutFlag = (otherwise: string, description: string) =>
  Flag.String("timeout").pipe(
    Flag.withMetavar("TIME"),
    Flag.withDescription(`${description}: 90s, 5m, 1h (default: ${otherwise})`),
    Flag.withDefault(otherwise),
    Flag.filterMap(duration, () => "a time such as 60s or 5m")
  )

export const defaultVppSocket = "/run/vpp/api.sock"

const defaultPluginPath = "/opt/cni/bin:/usr/lib/cni"

interface WithPluginPath {
  readonly cniPath: Option.Option<string>
}

export const pluginPath = ({ cniPath }: WithPluginPath, environment: Variables): string =>
  Option.getOrElse(cniPath, () => environment["CNI_PATH"] || defaultPluginPath)

/** The environment with CNI_PATH, for commands that call IPAM plugins. */
export const withPluginPath = (options: WithPluginPath, environment: Variables) => ({
  ...environment,
  CNI_PATH: pluginPath(options, environment)
})

/** Flags of every command for a network. */
export const networkFlags = {
  config: Flag.Path("config").pipe(
    Flag.withAlias("c"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Network configuration: a .conf, a .conflist or a NetworkAttachmentDefinition in JSON")
  ),
  cniPath: text("cni-path", "DIRS", `CNI_PATH, the directories of IPAM plugins (default: ${defaultPluginPath})`)
}

/** Flags that select attachments recorded on this node. */
export const selectorFlags = {
  pod: text("pod", "NAMESPACE/NAME", "Only the attachments of this pod"),
  containerId: text("container-id", "ID", "Only this container: its ID, or a unique prefix of it"),
  ifname: text("ifname", "NAME", "Only the interface with this name")
}

export type SelectorOptions = Command.Config.Infer<typeof selectorFlags>

export const stateDirFlag = textOr(
  "state-dir",
  "DIR",
  `Directory of the records, stateDir of the networks (default: ${defaultStateDir})`,
  defaultStateDir
)

export const switchFlags = {
  ovs: text(
    "ovs-socket",
    "PATH",
    "Socket of another Open vSwitch, in addition to those of the records and of OVS_RUNDIR"
  ),
  vpp: text("vpp-socket", "PATH", "Socket of another VPP, in addition to those of the records and /run/vpp/api.sock")
}

type SwitchOptions = Command.Config.Infer<typeof switchFlags>

export const controlsOf = ({ ovs, vpp }: SwitchOptions): ReadonlyArray<Control> => [
  ...Option.toArray(ovs).map((control): Control => ({ engine: "ovs-dpdk", control })),
  ...Option.toArray(vpp).map((control): Control => ({ engine: "vpp", control }))
]
