/** `userspace doctor` */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { viewOf } from "../../app/SwitchViews.ts"
import { type Asked, examine, whole } from "../../attachment/doctor/Doctor.ts"
import { networkAsked, readConfigurationFile } from "../input/ConfigurationFile.ts"
import {
  controlsOf,
  jsonFlag,
  networkFlags,
  pluginPath,
  selectorFlags,
  stateDirFlag,
  switchFlags,
  text
} from "../input/Flags.ts"
import { fleetNode, kubeconfigFlag } from "../input/FleetNodes.ts"
import { onNode } from "../input/OnNode.ts"
import { selectorFrom } from "../input/Selected.ts"
import { doctorJson, doctorText, statusOf } from "../print/DoctorText.ts"
import { fleetStatus, nodeJson, nodeText } from "../print/FleetText.ts"
import { ExitStatus, InvocationContext, misused, print } from "../print/Printer.ts"

const flags = {
  pod: selectorFlags.pod.pipe(Flag.withDescription("Only this pod: every link from its record to its application")),
  config: networkFlags.config.pipe(
    Flag.withDescription(
      "Also a network whose ADD fails: a .conf, a .conflist or a NetworkAttachmentDefinition in JSON"
    ),
    Flag.optional
  ),
  node: text("node", "NAME", "Another node: what its agent has written into its UserspaceNode (docs/fleet.md)"),
  kubeconfig: kubeconfigFlag.pipe(
    Flag.withDescription(
      "With --node: kubeconfig with a token or a client certificate (default: KUBECONFIG, or ~/.kube/config)"
    )
  ),
  cniPath: networkFlags.cniPath,
  stateDir: stateDirFlag,
  ...switchFlags,
  json: jsonFlag
}
type DoctorOptions = Command.Command.Config.Infer<typeof flags>

const perform = Effect.fnUntraced(function* (options: DoctorOptions) {
  const { cniPath, config, json, node, pod, stateDir } = options
  if (Option.isSome(node)) return yield* ofNode(node.value, options)
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

/** Of another node, as its agent knows it. */
const ofNode = Effect.fnUntraced(function* (name: string, { config, json, kubeconfig, pod }: DoctorOptions) {
  const { style } = yield* InvocationContext
  if (Option.isSome(pod) || Option.isSome(config)) {
    return yield* misused(
      "--node is for what is known of a whole node, and --pod or --config was given",
      "Run the command on that node with --pod or --config."
    )
  }
  const node = yield* fleetNode(kubeconfig, name)
  yield* print(json, nodeJson(node), nodeText(node, style))
  const status = fleetStatus([node])
  if (status !== 0) return yield* new ExitStatus({ status })
})

/** An unreadable file is the caller's mistake; its content is judged. */
const networkOf = Effect.fnUntraced(function* (file: string, variables: Asked["variables"]) {
  const content = yield* readConfigurationFile(file)
  const asked = yield* Effect.result(networkAsked("STATUS", content, { variables, cniPath: Option.none() }))
  const network: Asked["network"] = Result.isSuccess(asked)
    ? { file, call: asked.success.call }
    : { file, invalid: asked.failure.msg }
  return network
})

export const command = Command.make("doctor", flags, perform).pipe(
  Command.withExamples([
    { command: "userspace doctor", description: "What is wrong on this node?" },
    { command: "userspace doctor --pod default/web-0", description: "Why does this pod get no packets?" },
    { command: "userspace doctor --node worker-1", description: "What is wrong on that node?" },
    { command: "userspace doctor --config net.json", description: "Why does this network's ADD fail?" }
  ])
)
