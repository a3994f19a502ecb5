/**
 * `userspace add`, and every call by hand from a configuration: the real call, as for a runtime, with its result for
 * people; or its dry run. CNI_IFNAME, CNI_ARGS and CNI_PATH of the caller's environment are used, as by cnitool.
 */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Document } from "../../app/CniCall.ts"
import { serve } from "../../app/CniCall.ts"
import { inVersionOf } from "../../attachment/Recorded.ts"
import { readRequest } from "../../cni/Request.ts"
import type { CniError } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { AttachmentVerb } from "../../cni/types/Versions.ts"
import { dryRun } from "../../dry-run/DryRun.ts"
import * as Log from "../../program/Log.ts"
import { readConfigurationFile } from "../input/ConfigurationFile.ts"
import { networkFlags, pluginPath, text, yes } from "../input/Flags.ts"
import { planText, resultLines } from "../print/PlanText.ts"
import { CommandLineError, fromCni, InvocationContext } from "../print/Printer.ts"

/** Flags of every call by hand. */
export const callFlags = {
  netns: text("netns", "PATH", "CNI_NETNS (default: /var/run/netns/ID)"),
  args: text("args", "K=V;K=V", "CNI_ARGS, such as IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0"),
  dryRun: yes("dry-run", "Change nothing; print the steps in order, each with its undo"),
  json: yes("json", "Print JSON: the CNI document, or the plan of a dry run")
}

const flags = {
  ...networkFlags,
  containerId: text("container-id", "ID", "CNI_CONTAINERID. Optional for a dry run of add"),
  ifname: text("ifname", "NAME", "CNI_IFNAME (default: net1)"),
  ...callFlags
}

type AttachmentOptions = Command.Command.Config.Infer<typeof flags>

export interface Parameters {
  readonly variables: Variables
  /** True: no sandbox was given. */
  readonly assumedNetns: boolean
}

const rehearsalId = "dry-run"

const parameters = (
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

export const performCall = (verb: AttachmentVerb) =>
  Effect.fnUntraced(function* (options: AttachmentOptions) {
    const { variables } = yield* InvocationContext
    const asked = yield* parameters(verb, options, variables)
    const text = inVersionOf(verb, yield* readConfigurationFile(options.config))
    yield* carryOut(verb, options, asked, text)
  })

export const carryOut = (verb: AttachmentVerb, options: Output, asked: Parameters, text: string) =>
  options.dryRun ? plan(verb, options, asked, text) : call(verb, options, asked, text)

type Output = Pick<AttachmentOptions, "dryRun" | "json">

/** With --json the output is exactly that for a runtime, also for an error. */
const call = Effect.fnUntraced(function* (
  verb: AttachmentVerb,
  { json }: Output,
  { variables }: Parameters,
  text: string
) {
  const request = readRequest({ ...variables, CNI_COMMAND: verb }, text)
  const { log, whose } = request
  const done = serve(request).pipe(
    Effect.tap(() => Effect.forEach(log.warnings, (warning) => Effect.logWarning(warning))),
    Effect.withTracerEnabled(false),
    Effect.provide(Log.layer(log, whose)),
    Effect.tapError((error) => (json ? Console.log(errorDocument(error, text)) : Effect.void)),
    Effect.mapError(fromCni(verb))
  )
  const document: Document = yield* done
  if (json) return document === undefined ? undefined : yield* Console.log(JSON.stringify(document))
  yield* Console.log(said[verb](variables))
  for (const line of resultLines(document)) yield* Console.log(line)
})

const plan = Effect.fnUntraced(function* (
  verb: AttachmentVerb,
  { json }: Output,
  { assumedNetns, variables }: Parameters,
  text: string
) {
  const { style } = yield* InvocationContext
  const planned = yield* dryRun({ verb, variables, text, assumeSandbox: assumedNetns && verb === "ADD" }).pipe(
    Effect.tapError((error) => (json ? Console.log(errorDocument(error, text)) : Effect.void)),
    Effect.mapError(fromCni(`dry run of ${verb}`))
  )
  yield* Console.log(json ? JSON.stringify(planned) : planText(planned, style))
  if (planned.error !== null) return yield* fromCni(`dry run of ${verb}`)(planned.error)
})

const errorDocument = ({ code, details, msg }: CniError, text: string): string =>
  JSON.stringify({ cniVersion: readRequest({}, text).version, code, msg, details })

const said: Readonly<Record<AttachmentVerb, (variables: Parameters["variables"]) => string>> = {
  ADD: ({ CNI_CONTAINERID: id, CNI_IFNAME: name }) => `Added ${name} to container ${id}.`,
  DEL: ({ CNI_CONTAINERID: id, CNI_IFNAME: name }) => `Deleted ${name} of container ${id}.`,
  CHECK: ({ CNI_CONTAINERID: id, CNI_IFNAME: name }) => `${name} of container ${id} is unchanged since ADD.`
}

export const command = Command.make("add", flags, performCall("ADD"))
