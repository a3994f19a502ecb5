/**
 * From a record back to its call: the configuration of the ADD, with the defaults of this release and this environment
 * (`OVS_RUNDIR`, `OVS_SOCKDIR`), and the environment and stdin that a runtime would pass. Pure.
 */
import * as Result from "effect/Result"
import {
  type Configuration,
  readConfiguration,
  readEnvelope,
  type SchemaMismatch
} from "../cni/network/Configuration.ts"
import type { CniError } from "../cni/types/CniError.ts"
import { readArgs, type Variables } from "../cni/types/Environment.ts"
import { type AttachmentVerb, atLeast, verbs } from "../cni/types/Versions.ts"
import type { Attachment } from "../identity/Attachment.ts"
import type { Call } from "./Call.ts"
import type { Record } from "./records/Record.ts"
import { recordFormat } from "./records/RecordFormat.ts"

export const attachmentOfRecord = ({ containerId, ifName, netns, network, pod }: Record): Attachment => ({
  network,
  containerId,
  ifName,
  netns,
  pod
})

/** The invocation context of the ADD, with the caller's CNI_PATH, which records do not have. */
export const callOfRecord = (record: Record, variables: Variables): Result.Result<Call, CniError | SchemaMismatch> =>
  Result.gen(function* () {
    const { containerId, ifName, netns } = record
    const args = yield* readArgs(record.args)
    const envelope = yield* readEnvelope(record.configuration)
    const path = (variables["CNI_PATH"] ?? "").split(":").filter((directory) => directory.startsWith("/"))
    return {
      attachment: attachmentOfRecord(record),
      configuration: yield* readConfiguration(envelope, args, variables),
      environment: { containerId, ifName, netns, path, args, variables },
      previous: undefined
    }
  })

export const configurationOfRecord = (
  record: Record,
  variables: Variables
): Result.Result<Configuration, CniError | SchemaMismatch> =>
  Result.map(callOfRecord(record, variables), ({ configuration }) => configuration)

/** A later release wrote the record; its ports may need keys that this one does not know. */
export const isNewer = ({ format }: Record): boolean => format > recordFormat

/**
 * Returns directories that are removed even without our mark, after an ADD that succeeded. The ADD marked all that it
 * created; a directory of the same name may be somebody else's now, because a reboot empties /run. The container's own
 * directory is included: it has the container's name, and a container can remove the mark from it.
 */
export const stillOurs = ({ made, place }: Record): ReadonlyArray<string> =>
  made.filter((path) => path === place.directory)

/** Environment and stdin of a runtime's call for the attachment. The caller provides CNI_PATH. */
export const recordedCall = (verb: AttachmentVerb, record: Record, variables: Variables) => ({
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
