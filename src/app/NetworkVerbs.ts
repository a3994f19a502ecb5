/**
 * GC and STATUS, from the validated call to their program. Loaded on demand: both are rare compared with ADD and DEL.
 */
import * as Effect from "effect/Effect"
import type { NetworkCall } from "../attachment/Call.ts"
import { gc } from "../attachment/node/Gc.ts"
import { tools } from "../attachment/node/StaleAttachment.ts"
import * as Switches from "../attachment/node/Switches.ts"
import { status } from "../attachment/verbs/Status.ts"
import type { Asked } from "../cni/Dispatch.ts"
import { readConfiguration } from "../cni/network/Configuration.ts"
import { spelledOut } from "../cni/network/Explained.ts"
import type { Control } from "../cni/network/HostPort.ts"
import { readValidAttachments } from "../cni/spec/ValidAttachments.ts"
import type { NetworkVerb } from "../cni/spec/Versions.ts"
import type { Choices } from "./Verbs.ts"

/** Prints nothing on success. */
export const runNetworkVerb = Effect.fnUntraced(function* (
  asked: Asked<NetworkVerb>,
  { engine, containerConfig }: Choices<Control>
) {
  const call = yield* networkCall(asked)
  if (asked.verb === "STATUS") yield* Effect.provide(status(call), engine(call.configuration.port))
  else {
    const valid = yield* Effect.fromResult(readValidAttachments(asked.envelope.value))
    yield* Effect.scoped(
      Effect.flatMap(Switches.make(engine), (switches) => gc(call, valid, tools(switches, containerConfig)))
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
