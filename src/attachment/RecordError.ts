/** The one error of `Records`: which file, what the system said, what to do. */
import * as Schema from "effect/Schema"
import type { Explained } from "../cni/CniError.ts"
import { type ErrorCode, ErrorCodes } from "../cni/ErrorCodes.ts"
import type { FileError } from "../platform/Files.ts"

export class RecordError extends Schema.TaggedError<RecordError>()("RecordError", {
  operation: Schema.String,
  path: Schema.String,
  answer: Schema.String,
  cure: Schema.String,
  code: Schema.Literals([ErrorCodes.IoFailure, ErrorCodes.AlreadyAttached])
}) {
  get failed(): string {
    return `${this.operation} ${this.path}: ${this.answer}`
  }
  override get message(): string {
    return this.failed
  }
}

/** Does not compile unless the error can explain itself. */
export const explained = (error: RecordError): Explained & { readonly code: ErrorCode } => error

export const fromFile =
  (operation: string) =>
  ({ code, path }: FileError): RecordError =>
    new RecordError({
      operation,
      path,
      answer: code,
      cure: "The plugin keeps its records there: make the directory writable for root, with space left, or set stateDir.",
      code: ErrorCodes.IoFailure
    })
