/**
 * The error document of a CNI plugin, which the runtime reads from stdout when the exit status is not 0. `msg` states
 * what failed and what came back, `details` what to do. `ErrorCodes.ts` has the numbers. CNI specification 1.1.0,
 * section 5 (Error).
 */
import * as Data from "effect/Data"
import type { ErrorCode } from "./ErrorCodes.ts"

export class CniError extends Data.TaggedError("CniError")<{
  readonly code: number
  readonly msg: string
  readonly details: string
}> {
  static of(code: ErrorCode, msg: string, details: string): CniError {
    return new CniError({ code, msg, details })
  }
  override get message(): string {
    return `${this.msg} (${this.details})`
  }
}

/** The common part of all service errors, so that one function turns any of them into a {@link CniError}. */
export interface Explained {
  /** One of `ErrorCodes`. */
  readonly code: ErrorCode
  /** What failed: what came back. One sentence, no secrets. */
  readonly failed: string
  /** What to do, as an imperative. One or two sentences. */
  readonly cure: string
}

export const fromExplained = (error: Explained): CniError => CniError.of(error.code, error.failed, error.cure)
