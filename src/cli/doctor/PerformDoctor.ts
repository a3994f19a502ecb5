/** Runs `userspace doctor`. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { viewOf } from "../../app/Composition.ts"
import { type Asked, examine, whole } from "../../attachment/doctor/Doctor.ts"
import { pluginPath } from "../input/AttachmentFlags.ts"
import { readConfigurationFile } from "../input/ConfigurationFile.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { networkAsked } from "../input/NetworkAsked.ts"
import { controlsOf, type DoctorOptions } from "../input/NodeFlags.ts"
import { selectorFrom } from "../input/Selected.ts"
import { onNode, print } from "../perform/Node.ts"
import { ExitStatus } from "../text/CommandLineError.ts"
import { doctorJson, doctorText, statusOf } from "./DoctorText.ts"

export const perform = Effect.fnUntraced(function* (options: DoctorOptions) {
  const { cniPath, config, json, pod, stateDir } = options
  const { style, variables: own } = yield* InvocationContext
  const variables = { ...own, CNI_PATH: pluginPath({ cniPath }, own) }
  const selector = yield* selectorFrom({ pod, containerId: Option.none(), ifname: Option.none() })
  const network = Option.isNone(config) ? undefined : yield* networkOf(config.value, variables)
  const report = yield* onNode(stateDir, (switches) =>
    examine({
      switches,
      viewAt: viewOf,
      variables,
      controls: controlsOf(options),
      pod: selector.pod === undefined ? undefined : { ...selector.pod, uid: "" },
      network
    })
  )
  yield* print(json, doctorJson(report), doctorText(report, selector.pod !== undefined, style))
  const status = statusOf(whole(report))
  if (status !== 0) return yield* new ExitStatus({ status })
})

/** An unreadable file is the caller's mistake; its content is judged. */
const networkOf = Effect.fnUntraced(function* (file: string, variables: Asked["variables"]) {
  const text = yield* readConfigurationFile(file)
  const asked = yield* Effect.result(networkAsked("STATUS", text, { variables, cniPath: Option.none() }))
  const network: Asked["network"] = Result.isSuccess(asked)
    ? { file, call: asked.success.call }
    : { file, invalid: asked.failure.msg }
  return network
})
