/**
 * add, del and check from the command line: the real call, as for a runtime, with its result for people; or its dry
 * run. By `--config`, or for recorded attachments.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { annotations, serve } from "../../app/CniCall.ts"
import type { Document } from "../../app/Verbs.ts"
import { narrows } from "../../attachment/node/Selection.ts"
import { inVersionOf, recordedCall } from "../../attachment/Recorded.ts"
import { answerVersion } from "../../cni/Dispatch.ts"
import { readEnvelope } from "../../cni/network/Configuration.ts"
import { defaultLogOptions, logOptions } from "../../cni/network/LogOptions.ts"
import type { CniError } from "../../cni/types/CniError.ts"
import type { AttachmentVerb } from "../../cni/types/Versions.ts"
import { dryRun } from "../../dry-run/DryRun.ts"
import * as Log from "../../program/Log.ts"
import {
  type AttachmentOptions,
  type Parameters,
  parameters,
  type RecordedOptions,
  withPluginPath
} from "../input/AttachmentFlags.ts"
import { readConfigurationFile } from "../input/ConfigurationFile.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { placed, selected, selectorFrom, stateDirFrom } from "../input/Selected.ts"
import { CommandLineError, fromCni } from "../text/CommandLineError.ts"
import { planText, resultLines } from "../text/PlanText.ts"
import { failWithEach, onNode } from "./Node.ts"

export const performCall = (verb: AttachmentVerb) =>
  Effect.fnUntraced(function* (options: AttachmentOptions) {
    const { variables } = yield* InvocationContext
    const asked = yield* parameters(verb, options, variables)
    const text = inVersionOf(verb, yield* readConfigurationFile(options.config))
    yield* carryOut(verb, options, asked, text)
  })

const carryOut = (verb: AttachmentVerb, options: Output, asked: Parameters, text: string) =>
  options.dryRun ? plan(verb, options, asked, text) : call(verb, options, asked, text)

type Output = Pick<AttachmentOptions, "dryRun" | "json">

/** With --json the output is exactly that for a runtime, also for an error. */
const call = Effect.fnUntraced(function* (
  verb: AttachmentVerb,
  { json }: Output,
  { variables }: Parameters,
  text: string
) {
  const reading = readEnvelope(text)
  const options = Result.match(reading, {
    onFailure: () => defaultLogOptions,
    onSuccess: ({ value }) => logOptions(value)
  })
  const done = serve(verb, variables, reading).pipe(
    Effect.tap(() => Effect.forEach(options.warnings, (warning) => Effect.logWarning(warning))),
    Effect.withTracerEnabled(false),
    Effect.provide(Log.layer(options, annotations(variables, reading))),
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
  JSON.stringify({ cniVersion: answerVersion(readEnvelope(text)), code, msg, details })

const said: Readonly<Record<AttachmentVerb, (variables: Parameters["variables"]) => string>> = {
  ADD: ({ CNI_CONTAINERID: id, CNI_IFNAME: name }) => `Added ${name} to container ${id}.`,
  DEL: ({ CNI_CONTAINERID: id, CNI_IFNAME: name }) => `Deleted ${name} of container ${id}.`,
  CHECK: ({ CNI_CONTAINERID: id, CNI_IFNAME: name }) => `${name} of container ${id} is unchanged since ADD.`
}

export const performDel = Effect.fnUntraced(function* (options: RecordedOptions) {
  yield* placed(options)
  const { config } = options
  if (Option.isSome(config)) return yield* performCall("DEL")({ ...options, config: config.value })
  if (!narrows(yield* selectorFrom(options))) return yield* nothingNamed
  yield* performRecorded("DEL", options)
})

/** Leaving a flag out must not delete every attachment of a node. */
const nothingNamed = new CommandLineError({
  failed: "del needs an attachment",
  answer: "none of --pod, --container-id and --ifname is given",
  cure: "List attachments with `userspace list`. Remove those of deleted pods with `userspace gc --by-sandbox`."
})

/** Makes the call, or its dry run, for each selected attachment in sequence, and continues when one fails. */
export const performRecorded = Effect.fnUntraced(function* (verb: AttachmentVerb, options: RecordedOptions) {
  const { variables } = yield* InvocationContext
  const stateDir = stateDirFrom(options)
  const selector = yield* selectorFrom(options)
  const chosen = yield* onNode(stateDir, () => selected(verb.toLowerCase(), stateDir, selector))
  const failures: Array<CommandLineError> = []
  for (const [index, record] of chosen.entries()) {
    if (index > 0 && !options.json) yield* Console.log("")
    const { text, variables: asked } = recordedCall(verb, record, withPluginPath(options, variables))
    yield* Effect.catch(
      carryOut(verb, options, { variables: asked, assumedNetns: false }, text),
      (commandLineError) => {
        failures.push(commandLineError)
        return Effect.void
      }
    )
  }
  yield* failWithEach(failures)
})
