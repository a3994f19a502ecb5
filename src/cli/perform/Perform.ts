/**
 * add, del and check from the command line: the real call, as for a runtime, with its result for people; or its dry
 * run.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { annotations, serve } from "../../app/CniCall.ts"
import type { Document } from "../../app/Verbs.ts"
import { inVersionOf } from "../../attachment/RecordedCall.ts"
import { answerVersion } from "../../cni/Dispatch.ts"
import { readEnvelope } from "../../cni/network/Configuration.ts"
import { defaultLogOptions, logOptions } from "../../cni/network/LogOptions.ts"
import type { CniError } from "../../cni/spec/CniError.ts"
import type { AttachmentVerb } from "../../cni/spec/Versions.ts"
import { dryRun } from "../../dry-run/DryRun.ts"
import * as Log from "../../program/Log.ts"
import { type AttachmentOptions, type Parameters, parameters } from "../input/AttachmentFlags.ts"
import { readConfigurationFile } from "../input/ConfigurationFile.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { fromCni } from "../text/CommandLineError.ts"
import { planText } from "../text/PlanText.ts"
import { resultLines } from "../text/ResultText.ts"

export const perform = (verb: AttachmentVerb) =>
  Effect.fnUntraced(function* (options: AttachmentOptions) {
    const { variables } = yield* InvocationContext
    const asked = yield* parameters(verb, options, variables)
    const text = inVersionOf(verb, yield* readConfigurationFile(options.config))
    yield* carryOut(verb, options, asked, text)
  })

/** Runs the call, or its dry run. */
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
