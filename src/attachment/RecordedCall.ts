/**
 * The call of a runtime for a recorded attachment: environment and stdin. The record has every parameter except
 * CNI_PATH, which the caller provides. Pure.
 */
import * as Result from "effect/Result"
import { readEnvelope } from "../cni/network/Configuration.ts"
import type { Variables } from "../cni/spec/Environment.ts"
import { type AttachmentVerb, atLeast, verbs } from "../cni/spec/Versions.ts"
import type { Record } from "./records/Record.ts"

export interface RecordedCall {
  readonly variables: Variables
  readonly text: string
}

export const recordedCall = (verb: AttachmentVerb, record: Record, variables: Variables): RecordedCall => ({
  variables: {
    ...variables,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: record.containerId,
    CNI_NETNS: record.netns,
    CNI_IFNAME: record.ifName,
    CNI_ARGS: record.args
  },
  text: inVersionOf(verb, withoutPrevious(record.configuration))
})

/** A recorded `prevResult` is of a plugin before ours in the chain; later verbs get the result of the whole chain. */
const withoutPrevious = (text: string): string =>
  Result.match(readEnvelope(text), {
    onFailure: () => text,
    onSuccess: () => JSON.stringify({ ...JSON.parse(text), prevResult: undefined })
  })

/** A person may call the verb for any network, also for one whose version is older than the verb. */
export const inVersionOf = (verb: AttachmentVerb, text: string): string => {
  const { since } = verbs[verb]
  const isOlder = Result.match(readEnvelope(text), {
    onFailure: () => false,
    onSuccess: ({ version }) => !atLeast(version, since)
  })
  return isOlder ? JSON.stringify({ ...JSON.parse(text), cniVersion: since }) : text
}
