/** Why a database operation failed. `OvsVswitch.ts` decides what that means for a port. */
import * as Data from "effect/Data"

/** No connection. `code` is the system's: ENOENT, ECONNREFUSED, EACCES, ... */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly code: string }> {}

/** No reply within the deadline. The transaction may have been committed. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly millis: number }> {}

/** The connection ended before the reply. The transaction may have been committed. */
export class ConnectionLost extends Data.TaggedError("ConnectionLost")<{ readonly code: string }> {}

/** The reply does not conform to RFC 7047. */
export class Malformed extends Data.TaggedError("Malformed")<{ readonly detail: string }> {}

/** The database's own error. Nothing of the transaction was applied. */
export class Rejected extends Data.TaggedError("Rejected")<{
  /** Index of the operation that failed; `commit` for the extra last element; `call` for the whole reply. */
  readonly at: number | "commit" | "call"
  readonly error: string
  readonly details: string
}> {}

/** The same rows were changed concurrently, more often than the retry limit. Nothing was applied. */
export class Contended extends Data.TaggedError("Contended")<{ readonly tries: number }> {}

export class OvsdbError extends Data.TaggedError("OvsdbError")<{
  /** The database's socket. */
  readonly peer: string
  /** `connect`, `transact`, ... */
  readonly operation: string
  readonly reason: Unreachable | NoAnswer | ConnectionLost | Malformed | Rejected | Contended
}> {
  override get message(): string {
    return `${this.operation} on ${this.peer}: ${inWords(this.reason)}`
  }
}

export type Reason = OvsdbError["reason"]

export const inWords = (reason: Reason): string => {
  switch (reason._tag) {
    case "Unreachable":
      return reason.code
    case "NoAnswer":
      return `no answer within ${reason.millis} ms`
    case "ConnectionLost":
      return `connection lost (${reason.code})`
    case "Malformed":
      return `not the OVSDB protocol: ${reason.detail}`
    case "Rejected":
      return reason.details === "" ? reason.error : `${reason.error}: ${reason.details}`
    case "Contended":
      return `the same rows were changed concurrently, ${reason.tries} times in a row`
  }
}
