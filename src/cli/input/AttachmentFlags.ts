/**
 * The flags of add, del and check: the parameters that a runtime passes in the environment, and their defaults.
 * CNI_IFNAME, CNI_ARGS and CNI_PATH of the caller's environment are used, as by cnitool.
 */
import type { Command } from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { defaultStateDir } from "../../attachment/Call.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { AttachmentVerb } from "../../cni/types/Versions.ts"
import { CommandLineError } from "../text/CommandLineError.ts"
import { text, yes } from "./Flags.ts"

const defaultPluginPath = "/opt/cni/bin:/usr/lib/cni"

export const pluginPath = ({ cniPath }: Pick<AttachmentOptions, "cniPath">, environment: Variables): string =>
  Option.getOrElse(cniPath, () => environment["CNI_PATH"] || defaultPluginPath)

/** The environment with CNI_PATH, for commands that call IPAM plugins. */
export const withPluginPath = (options: Pick<AttachmentOptions, "cniPath">, environment: Variables) => ({
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

const callFlags = {
  netns: text("netns", "PATH", "CNI_NETNS (default: /var/run/netns/ID)"),
  args: text("args", "K=V;K=V", "CNI_ARGS, such as IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0"),
  dryRun: yes("dry-run", "Change nothing; print the steps in order, each with its undo"),
  json: yes("json", "Print JSON: the CNI document, or the plan of a dry run")
}

export const attachmentFlags = {
  ...networkFlags,
  containerId: text("container-id", "ID", "CNI_CONTAINERID. Optional for a dry run of add"),
  ifname: text("ifname", "NAME", "CNI_IFNAME (default: net1)"),
  ...callFlags
}

/** Flags that select attachments recorded on this node. */
export const selectorFlags = {
  pod: text("pod", "NAMESPACE/NAME", "Only the attachments of this pod"),
  containerId: text("container-id", "ID", "Only this container: its ID, or a unique prefix of it"),
  ifname: text("ifname", "NAME", "Only the interface with this name")
}

/** Flags of commands that use an attachment's record, or make a call as a runtime does when `--config` is given. */
export const recordedFlags = {
  ...selectorFlags,
  stateDir: text(
    "state-dir",
    "DIR",
    `Directory of the records, stateDir of the networks (default: ${defaultStateDir})`
  ),
  ...networkFlags,
  config: networkFlags.config.pipe(
    Flag.withDescription(
      "Configuration to use instead of the record: a .conf, a .conflist or a NetworkAttachmentDefinition in JSON. Needs the full container ID"
    ),
    Flag.optional
  ),
  ...callFlags
}

export type AttachmentOptions = Command.Config.Infer<typeof attachmentFlags>
export type SelectorOptions = Command.Config.Infer<typeof selectorFlags>
export type RecordedOptions = Command.Config.Infer<typeof recordedFlags>

export interface Parameters {
  readonly variables: Variables
  /** True: no sandbox was given. */
  readonly assumedNetns: boolean
}

const rehearsalId = "dry-run"

export const parameters = (
  verb: AttachmentVerb,
  { args, cniPath, containerId, dryRun, ifname, netns }: AttachmentOptions,
  environment: Variables
): Effect.Effect<Parameters, CommandLineError> => {
  const given = Option.getOrUndefined(containerId) ?? (dryRun && verb === "ADD" ? rehearsalId : undefined)
  if (given === undefined) {
    return Effect.fail(
      new CommandLineError({
        failed: `${verb.toLowerCase()} needs a container`,
        answer: "--container-id is missing",
        cure: "Give --container-id: `crictl pods` lists the sandboxes of a node. A dry run of add does not need it."
      })
    )
  }
  const chosen = (option: Option.Option<string>, variable: string, otherwise: string) =>
    Option.getOrUndefined(option) ?? (environment[variable] || otherwise)
  return Effect.succeed({
    assumedNetns: Option.isNone(netns),
    variables: {
      ...environment,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: given,
      CNI_NETNS: Option.getOrElse(netns, () => `/var/run/netns/${given}`),
      CNI_IFNAME: chosen(ifname, "CNI_IFNAME", "net1"),
      CNI_ARGS: chosen(args, "CNI_ARGS", ""),
      CNI_PATH: pluginPath({ cniPath }, environment)
    }
  })
}
