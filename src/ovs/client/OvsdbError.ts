/** Why a database operation failed, and what that means for a port: the messages and codes of both. */
import * as Data from "effect/Data"
import { ErrorCodes } from "../../cni/types/CniError.ts"
import { type PortError, VswitchError } from "../../vswitch/Vswitch.ts"

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

export const toError = (operation: string, refusal: PortError): VswitchError =>
  new VswitchError({ engine: "ovs-dpdk", operation, ...refusal })

/**
 * For all errors of an operation: those of its parts that are judged already stay as they are. An unreachable database
 * may be back when the runtime retries; one that refuses will refuse again.
 */
export const fromOvsdb =
  (operation: string) =>
  (error: OvsdbError | VswitchError): VswitchError =>
    error._tag === "VswitchError"
      ? error
      : toError(operation, {
          ...judged(error),
          answer: `${error.operation} on ${error.peer}: ${inWords(error.reason)}`
        })

const judged = ({ peer, reason }: OvsdbError): Pick<PortError, "code" | "cure"> => {
  const again = (cure: string) => ({ code: ErrorCodes.TryAgainLater, cure })
  const final = (cure: string) => ({ code: ErrorCodes.SwitchRefused, cure })
  switch (reason._tag) {
    case "Unreachable":
      return again(
        `Check that ovsdb-server runs on this node, that ${peer} is its socket (host.socket, OVS_RUNDIR), and that the plugin may write to it.`
      )
    case "NoAnswer":
    case "ConnectionLost":
      return again(
        `Try again, and check the log of ovsdb-server. It is overloaded, stopped or restarting, or ${peer} is the socket of another program (host.socket).`
      )
    case "Contended":
      return again("Try again.")
    case "Malformed":
      return final(`Set host.socket to the socket of an ovsdb-server with an Open_vSwitch database; it is ${peer}.`)
    case "Rejected":
      return final("Check `ovs-vsctl show`: something in the database conflicts with this port.")
  }
}

/** The bridge's OpenFlow table cannot be changed, which a bridge in fail_mode secure needs besides the port. */
export const flowRefused =
  (operation: string, bridge: string) =>
  (error: OvsdbError): VswitchError =>
    toError(operation, {
      code: error.reason._tag === "Rejected" ? ErrorCodes.SwitchRefused : ErrorCodes.TryAgainLater,
      answer: `bridge ${bridge} is in fail_mode secure and the flow of the port could not be added: ${error.message}`,
      cure: `Allow OpenFlow13 in the bridge's protocols; or set host.netType to "none" and leave flows to a controller.`
    })
