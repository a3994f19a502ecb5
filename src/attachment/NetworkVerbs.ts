/**
 * The verbs that work on a network as a whole, from the judged call to its program: GC and STATUS. Loaded when one is
 * called, because a node is asked for hundreds of attachments between two of them.
 */
import * as Effect from "effect/Effect"
import { readConfiguration } from "../cni/Configuration.ts"
import type { Asked } from "../cni/Dispatch.ts"
import type { Control } from "../cni/HostPort.ts"
import { readValidAttachments } from "../cni/ValidAttachments.ts"
import type { NetworkVerb } from "../cni/Versions.ts"
import { gc } from "./Gc.ts"
import { handoverFor } from "./Handovers.ts"
import { status } from "./Status.ts"
import type { NetworkCall, Tools } from "./Stray.ts"
import * as Switches from "./Switches.ts"
import { type Choices, spelledOut } from "./Verbs.ts"

/** Prints nothing when it succeeds. */
export const runNetworkVerb = Effect.fnUntraced(function* (
  asked: Asked<NetworkVerb>,
  { engine, handover }: Choices<Control>
) {
  const call = yield* networkCall(asked)
  if (asked.verb === "STATUS") yield* Effect.provide(status(call), engine(call.configuration.port))
  else {
    const valid = yield* Effect.fromResult(readValidAttachments(asked.envelope.value))
    yield* Effect.scoped(
      Effect.flatMap(Switches.make(engine), (switches) => gc(call, valid, tools(switches, handover)))
    )
  }
  return undefined
})

export const networkCall = Effect.fnUntraced(function* ({
  envelope,
  environment
}: Pick<Asked<NetworkVerb>, "envelope" | "environment">) {
  const configuration = yield* spelledOut(readConfiguration(envelope, environment.args, environment.variables))
  const call: NetworkCall = { network: envelope.name, configuration, environment }
  return call
})

export const tools = (switches: Switches.Switches, handover: Choices["handover"] = handoverFor): Tools => ({
  switches,
  handover: ({ attachment, configuration, environment }) => handover(attachment, configuration, environment.variables)
})
