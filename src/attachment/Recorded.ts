/**
 * From a record to the call that wrote it: the configuration of the ADD, with the defaults of this release and this
 * environment (`OVS_RUNDIR`, `OVS_SOCKDIR`). Pure.
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

/** Invocation context of the ADD, without CNI_PATH, which records do not have. */
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

/** Written by a later release, whose ports may need keys that this one does not know. */
export const isNewer = ({ format }: Record): boolean => format > recordFormat

/**
 * Directories that go even without our mark in them, after an ADD that ended well. It has marked all that it made, and
 * what has the name of one since may be somebody else's: a reboot empties /run. The container's own has the container's
 * name, and a container can remove the mark from it.
 */
export const stillOurs = ({ made, place }: Record): ReadonlyArray<string> =>
  made.filter((path) => path === place.directory)
