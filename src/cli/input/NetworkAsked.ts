/**
 * A verb for a whole network, called by a person. It is validated like a runtime's, except for the version, because the
 * network's may be older than the verb.
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { networkCall } from "../../app/NetworkVerbs.ts"
import { readEnvelope } from "../../cni/network/Configuration.ts"
import { readEnvironment, type Variables } from "../../cni/types/Environment.ts"
import type { NetworkVerb } from "../../cni/types/Versions.ts"
import { withPluginPath } from "./AttachmentFlags.ts"

/** `more`: keys besides those of the network. IPAM plugins get them as well. */
export const networkAsked = Effect.fnUntraced(function* (
  verb: NetworkVerb,
  text: string,
  { variables, ...options }: { readonly variables: Variables; readonly cniPath: Option.Option<string> },
  more: Readonly<Record<string, unknown>> = {}
) {
  const ofNone = { CNI_CONTAINERID: "", CNI_IFNAME: "", CNI_NETNS: "" }
  const environment = yield* Effect.fromResult(
    readEnvironment(verb, { ...withPluginPath(options, variables), ...ofNone, CNI_COMMAND: verb })
  )
  const network: Readonly<Record<string, unknown>> = JSON.parse(text)
  const envelope = yield* Effect.fromResult(readEnvelope(JSON.stringify({ ...network, ...more })))
  return { envelope, call: yield* networkCall({ envelope, environment }) }
})
