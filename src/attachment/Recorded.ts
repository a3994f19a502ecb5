/**
 * Derives the call from a record: the configuration of the ADD, with the defaults of this release and this environment
 * (`OVS_RUNDIR`, `OVS_SOCKDIR`). Pure.
 */
import * as Result from "effect/Result"
import {
  type Configuration,
  readConfiguration,
  readEnvelope,
  type SchemaMismatch
} from "../cni/network/Configuration.ts"
import type { CniError } from "../cni/spec/CniError.ts"
import { readArgs, type Variables } from "../cni/spec/Environment.ts"
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

export const configurationOfRecord = (
  record: Record,
  variables: Variables
): Result.Result<Configuration, CniError | SchemaMismatch> =>
  Result.flatMap(readArgs(record.args), (args) =>
    Result.flatMap(readEnvelope(record.configuration), (envelope) => readConfiguration(envelope, args, variables))
  )

/** The invocation context of the ADD, without CNI_PATH, which records do not have. */
export const callOfRecord = (record: Record, variables: Variables): Result.Result<Call, CniError | SchemaMismatch> =>
  Result.flatMap(readArgs(record.args), (args) =>
    Result.map(configurationOfRecord(record, variables), (configuration) => ({
      attachment: attachmentOfRecord(record),
      configuration,
      environment: {
        containerId: record.containerId,
        ifName: record.ifName,
        netns: record.netns,
        path: [],
        args,
        variables
      },
      previous: undefined
    }))
  )

/** A later release wrote the record; its ports may need keys that this one does not know. */
export const isNewer = ({ format }: Record): boolean => format > recordFormat

/**
 * Returns directories that are removed even without our mark, after an ADD that succeeded. The ADD marked all that it
 * created; a directory of the same name may be somebody else's now, because a reboot empties /run. The container's own
 * directory is included: it has the container's name, and a container can remove the mark from it.
 */
export const stillOurs = ({ made, place }: Record): ReadonlyArray<string> =>
  made.filter((path) => path === place.directory)
