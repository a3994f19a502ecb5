/** The error of `Records`: which file, what the system returned, what to do. */
import { ErrorCodes, ServiceError } from "../../cni/types/CniError.ts"
import type { FileError } from "../../platform/Files.ts"
import type { Record } from "./Record.ts"

export class RecordError extends ServiceError("RecordError") {}

/** Its attachment is known by its mark only. */
export const notRead = (path: string): RecordError =>
  new RecordError({
    operation: `read the record ${path}`,
    answer: "the file is corrupt",
    cure:
      "Delete the pod so that it is recreated: DEL needs no record, it finds the port by its mark. If the " +
      "attachment is already gone, remove the file.",
    code: ErrorCodes.IoFailure
  })

export const fromFile =
  (operation: string) =>
  ({ code, path }: FileError): RecordError =>
    new RecordError({
      operation: `${operation} ${path}`,
      answer: code,
      cure: "Make the directory writable for root and free space on it, or set stateDir: the records are there.",
      code: ErrorCodes.IoFailure
    })

/** Another file has the name of the record. */
export const inTheWay = (path: string): RecordError =>
  new RecordError({
    operation: `write the record ${path}`,
    answer: "the file exists and is not a record of this attachment",
    cure: "Remove that file.",
    code: ErrorCodes.IoFailure
  })

export const alreadyAttached = (record: Record): RecordError =>
  new RecordError({
    operation: `add ${record.network}/${record.containerId}/${record.ifName}`,
    answer: `this attachment has existed since ${record.since}`,
    cure: "DEL it first. Its port and addresses were not changed.",
    code: ErrorCodes.AlreadyAttached
  })
