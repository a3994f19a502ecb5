/** `userspace status`: STATUS of a network by hand, in any version. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { engineFor } from "../../app/Composition.ts"
import { status } from "../../attachment/verbs/Status.ts"
import { stateDirIn } from "../../cni/Request.ts"
import { networkAsked, readConfigurationFile } from "../input/ConfigurationFile.ts"
import { jsonFlag, networkFlags } from "../input/Flags.ts"
import { onNode } from "../input/OnNode.ts"
import { agentJson, agentThere, withAgent } from "../print/AgentThere.ts"
import { fromCni, InvocationContext, print } from "../print/Printer.ts"

const flags = { ...networkFlags, json: jsonFlag }
type StatusOptions = Command.Command.Config.Infer<typeof flags>

const perform = Effect.fnUntraced(function* ({ cniPath, config, json }: StatusOptions) {
  const { variables } = yield* InvocationContext
  const text = yield* readConfigurationFile(config)
  const { call, envelope } = yield* Effect.mapError(
    networkAsked("STATUS", text, { variables, cniPath }),
    fromCni("status")
  )
  const { network } = call
  const { port } = call.configuration
  const asked = onNode(stateDirIn(envelope), () => Effect.provide(status(call), engineFor(port)))
  const agent = yield* agentThere
  const told = (error: { readonly code: number; readonly msg: string; readonly details: string } | null) =>
    print(
      json,
      { network, available: error === null, error, ...agentJson(agent) },
      withAgent(`Network ${network}: ready for ADD on ${port.engine} at ${port.control}.`, agent)
    )
  yield* asked.pipe(
    Effect.tapError(({ code, details, msg }) => (json ? told({ code, msg, details }) : Effect.void)),
    Effect.mapError(fromCni(`status of network ${network}`))
  )
  yield* told(null)
})

export const command = Command.make("status", flags, perform)
