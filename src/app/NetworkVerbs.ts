/** GC and STATUS, from the validated call to their program. Loaded on demand, because both are rare. */
import * as Effect from "effect/Effect"
import type { NetworkCall } from "../attachment/Call.ts"
import { gc } from "../attachment/node/Gc.ts"
import * as Switches from "../attachment/node/Switches.ts"
import { status } from "../attachment/verbs/Status.ts"
import type { Control } from "../cni/network/HostPort.ts"
import { type Asked, configurationIn } from "../cni/Request.ts"
import { readValidAttachments } from "../cni/types/ValidAttachments.ts"
import type { NetworkVerb } from "../cni/types/Versions.ts"
import type { Choices } from "./Composition.ts"

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
      Effect.flatMap(Switches.make(engine), (switches) => gc(call, valid, { switches, containerConfig }))
    )
  }
  return undefined
})

export const networkCall = Effect.fnUntraced(function* ({
  envelope,
  environment
}: Pick<Asked<NetworkVerb>, "envelope" | "environment">) {
  return {
    network: envelope.name,
    configuration: yield* configurationIn(envelope, environment),
    environment
  } satisfies NetworkCall
})
