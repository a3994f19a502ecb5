/** Why a VPP request failed. `PortError.ts` decides what that means for a port. */
import * as Data from "effect/Data"
import { retvalInWords } from "./Retval.ts"

/** No connection. `code` is the system's: ENOENT, ECONNREFUSED, EACCES, ... */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly code: string }> {}

/** Other processes of the plugin used all connections until the deadline. */
export class NoTurn extends Data.TaggedError("NoTurn")<{ readonly millis: number }> {}

/** No reply: VPP is stopped, busy, or found an error that it does not report. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly millis: number }> {}

/** The connection ended before the reply. The request may have been executed. */
export class ConnectionLost extends Data.TaggedError("ConnectionLost")<{ readonly code: string }> {}

/** The bytes are not the binary API. */
export class Malformed extends Data.TaggedError("Malformed")<{ readonly detail: string }> {}

/** A value that does not fit the message. Nothing was sent. */
export class DoesNotFit extends Data.TaggedError("DoesNotFit")<{
  readonly name: string
  readonly detail: string
}> {}

/** VPP rejected the client. */
export class NotWelcome extends Data.TaggedError("NotWelcome")<{ readonly response: number }> {}

/** This VPP does not have the message: it is too old, or too new. */
export class MessageMissing extends Data.TaggedError("MessageMissing")<{
  readonly name: string
}> {}

/** This VPP has a message of that name with another CRC. */
export class MessageChanged extends Data.TaggedError("MessageChanged")<{
  readonly name: string
  readonly wanted: string
  readonly offered: string
}> {}

/** This VPP runs without the plugin of the message. */
export class PluginNotLoaded extends Data.TaggedError("PluginNotLoaded")<{
  readonly plugin: string
  readonly name: string
}> {}

/** VPP's own error: `retval` of the reply. */
export class Refused extends Data.TaggedError("Refused")<{
  readonly name: string
  readonly retval: number
}> {}

export class VppError extends Data.TaggedError("VppError")<{
  /** VPP's API socket. */
  readonly peer: string
  readonly reason:
    | Unreachable
    | NoTurn
    | NoAnswer
    | ConnectionLost
    | Malformed
    | DoesNotFit
    | NotWelcome
    | MessageMissing
    | MessageChanged
    | PluginNotLoaded
    | Refused
}> {
  override get message(): string {
    return `VPP at ${this.peer}: ${inWords(this.reason)}`
  }
}

export type Reason = VppError["reason"]

export const inWords = (reason: Reason): string => {
  switch (reason._tag) {
    case "Unreachable":
      return `cannot connect: ${reason.code}`
    case "NoTurn":
      return `other calls of this plugin still used all connections after ${reason.millis} ms`
    case "NoAnswer":
      return `no answer within ${reason.millis} ms`
    case "ConnectionLost":
      return `connection lost (${reason.code})`
    case "Malformed":
      return `not the binary API: ${reason.detail}`
    case "DoesNotFit":
      return `${reason.name}: ${reason.detail}`
    case "NotWelcome":
      return `sockclnt_create was answered with ${reason.response}`
    case "MessageMissing":
      return `message ${reason.name} is not available`
    case "MessageChanged":
      return `message ${reason.name} has CRC ${reason.offered}, not ${reason.wanted}`
    case "PluginNotLoaded":
      return `plugin ${reason.plugin}, which has ${reason.name}, is not loaded`
    case "Refused":
      return `${reason.name} failed: ${retvalInWords(reason.retval)}`
  }
}

/** Returns whether VPP refused with one of these numbers. */
export const refusedWith =
  (...retvals: ReadonlyArray<number>) =>
  ({ reason }: VppError): boolean =>
    reason._tag === "Refused" && retvals.includes(reason.retval)
