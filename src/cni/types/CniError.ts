/**
 * The error document of a CNI plugin, which the runtime reads from stdout when the exit status is not 0. `msg` states
 * what failed and what came back, `details` what to do. CNI specification 1.1.0, section 5 (Error).
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Option from "effect/Option"

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
  readonly code: ErrorCode
  /** What failed: what came back. One sentence, no secrets. */
  readonly failed: string
  /** What to do, as an imperative. One or two sentences. */
  readonly cure: string
}

/** What a service's error is made of; {@link Explained.failed} follows from the first two. */
interface ServiceFailure {
  /** `plug port uspabc`, `write the record /var/lib/...`. */
  readonly operation: string
  /** What came back, in the words of who answered. */
  readonly answer: string
  readonly cure: string
  readonly code: ErrorCode
}

/**
 * The one form of what services fail with; the tag names the service. The class is written out, because the declarations
 * of the library (`exports` in package.json) name every type of what they export.
 */
export const ServiceError = <const Tag extends string>(
  tag: Tag,
  subject = ""
): (new (
  failure: ServiceFailure
) => Cause.YieldableError & ServiceFailure & Explained & { readonly _tag: Tag }) =>
  class extends Data.TaggedError(tag)<ServiceFailure> implements Explained {
    get failed(): string {
      return `${subject}${this.operation}: ${this.answer}`
    }
    override get message(): string {
      return this.failed
    }
  }

export const asCniError = (error: CniError | Explained): CniError =>
  error instanceof CniError ? error : fromExplained(error)

export const fromExplained = (error: Explained): CniError => CniError.of(error.code, error.failed, error.cure)

/**
 * All error codes of the plugin: `docs/errors.md` is checked against this table. 1 to 99 are the specification's (CNI
 * 1.1.0, section 5), 100 and above the plugin's own.
 */
export const ErrorCodes = {
  IncompatibleVersion: 1,
  UnsupportedField: 2,
  UnknownContainer: 3,
  BadEnvironment: 4,
  IoFailure: 5,
  DecodingFailure: 6,
  InvalidConfiguration: 7,
  OwnNetns: 8,
  TryAgainLater: 11,
  NotAvailable: 50,
  NotAvailableLimited: 51,
  SwitchRefused: 100,
  DpdkMissing: 101,
  AlreadyAttached: 102,
  SocketPath: 103,
  IpamFailed: 104,
  CheckFailed: 105,
  CleanupIncomplete: 106,
  Interrupted: 107,
  ApiServer: 108,
  Internal: 999
} as const

export type ErrorCode = (typeof ErrorCodes)[keyof typeof ErrorCodes]

export const tooSlow = (command: string, seconds: number) =>
  CniError.of(
    ErrorCodes.TryAgainLater,
    `${command} timed out after ${seconds} s${command === "ADD" ? "; changes were rolled back" : ""}`,
    'Set logLevel to "debug": the log then has the time of each step.'
  )

/** The error document of a failed call, for any cause. */
export const errorOf = (cause: Cause.Cause<CniError>): CniError => toBeRetried(failureOf(cause))

const failureOf = (cause: Cause.Cause<CniError>): CniError =>
  Option.getOrElse(Cause.findErrorOption(cause), () =>
    Cause.hasInterruptsOnly(cause)
      ? CniError.of(
          ErrorCodes.Interrupted,
          "interrupted by a signal; an ADD was rolled back",
          "Try again: a DEL then does the rest."
        )
      : CniError.of(
          ErrorCodes.Internal,
          `internal error: ${String(Cause.squash(cause))}`,
          "This is a bug in the plugin. Report it with the log at debug level."
        )
  )

/**
 * The words that make Multus treat a failed DEL as final, even with `retryDeleteOnError` (seen in 4.2). The plugin's
 * failed DELs must always be repeated, whoever wrote the message: an IPAM plugin, a file system, bun.
 */
const finalWords = /no such file or directory/gi

const inOtherWords = (text: string): string => text.replace(finalWords, "it does not exist")

const toBeRetried = (error: CniError): CniError =>
  new CniError({ code: error.code, msg: inOtherWords(error.msg), details: inOtherWords(error.details) })
