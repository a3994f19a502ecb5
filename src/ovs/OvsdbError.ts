/** Why the database did not do what it was asked. What that means for a port is said in `OvsVswitch.ts`. */
import * as Schema from "effect/Schema"

/** No connection: nobody there, or not allowed. `code` is the system's: ENOENT, ECONNREFUSED, EACCES, ... */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { code: Schema.String }) {}

/** Connected, and no reply within the deadline. Whether a transaction was committed is not known. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { millis: Schema.Finite }) {}

/** The connection ended while the reply was awaited. Whether a transaction was committed is not known. */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", { code: Schema.String }) {}

/** What came back is not what RFC 7047 promises. */
export class Malformed extends Schema.TaggedError<Malformed>()("Malformed", { detail: Schema.String }) {}

/** The database's own words. Nothing of the transaction was done. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", {
  /** Operation of the transaction that failed; `commit` for the extra last element; `call` for the whole reply. */
  at: Schema.Union([Schema.Int, Schema.Literals(["commit", "call"])]),
  error: Schema.String,
  details: Schema.String
}) {}

/** Others changed the same things at the same time, more often than we tried again. Nothing was done. */
export class Contended extends Schema.TaggedError<Contended>()("Contended", { tries: Schema.Int }) {}

export class OvsdbError extends Schema.TaggedError<OvsdbError>()("OvsdbError", {
  /** The database's socket. */
  peer: Schema.String,
  /** `connect`, `transact`, ... */
  operation: Schema.String,
  reason: Schema.Union([Unreachable, NoAnswer, ConnectionLost, Malformed, Rejected, Contended])
}) {
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
      return `others changed the same rows ${reason.tries} times in a row`
  }
}
