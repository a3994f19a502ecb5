/** The one error of `Ipam`: which plugin, what it was asked, what came back, what to do. */
import * as Schema from "effect/Schema"
import type { Explained } from "../cni/CniError.ts"
import { type ErrorCode, ErrorCodes } from "../cni/ErrorCodes.ts"

const Reason = Schema.Union([
  /** No such program along CNI_PATH. */
  Schema.TaggedStruct("NotFound", { path: Schema.Array(Schema.String) }),
  /** It could not be started, or wrote more than allowed. */
  Schema.TaggedStruct("NotRun", { answer: Schema.String }),
  /** It answered with an error document. */
  Schema.TaggedStruct("Refused", { code: Schema.Int, msg: Schema.String, details: Schema.String }),
  /** It failed without one. */
  Schema.TaggedStruct("Broke", { status: Schema.String, stderr: Schema.String }),
  /** It succeeded, and its output is no result. */
  Schema.TaggedStruct("Garbage", { answer: Schema.String }),
  Schema.TaggedStruct("NoAddress", {}),
  Schema.TaggedStruct("TimedOut", { seconds: Schema.Number })
])

export class IpamError extends Schema.TaggedError<IpamError>()("IpamError", {
  plugin: Schema.String,
  verb: Schema.Literals(["ADD", "DEL", "CHECK"]),
  reason: Reason
}) {
  /** `try again later` stays what it is: the runtime acts on it. */
  get code(): ErrorCode {
    const { reason } = this
    if (reason._tag === "TimedOut") return ErrorCodes.TryAgainLater
    return reason._tag === "Refused" && reason.code === ErrorCodes.TryAgainLater
      ? ErrorCodes.TryAgainLater
      : ErrorCodes.IpamFailed
  }
  get failed(): string {
    return `IPAM plugin ${this.plugin} ${this.verb}: ${answer(this.reason)}`
  }
  get cure(): string {
    return cure(this.plugin, this.reason)
  }
  override get message(): string {
    return this.failed
  }
}

/** Does not compile unless the error can explain itself. */
export const explained = (error: IpamError): Explained & { readonly code: ErrorCode } => error

type Reason = typeof Reason.Type

const answer = (reason: Reason): string => {
  switch (reason._tag) {
    case "NotFound":
      return `not found along CNI_PATH=${reason.path.join(":")}`
    case "NotRun":
      return `could not be run: ${reason.answer}`
    case "Refused":
      return `code ${reason.code}: ${reason.msg}${reason.details === "" ? "" : `; ${reason.details}`}`
    case "Broke":
      return `ended with ${reason.status} and no error document${reason.stderr === "" ? "" : `: ${reason.stderr}`}`
    case "Garbage":
      return `answered with something that is no result: ${reason.answer}`
    case "NoAddress":
      return "answered without an address"
    case "TimedOut":
      return `no answer within ${reason.seconds} s; it was killed`
  }
}

const cure = (plugin: string, reason: Reason): string => {
  switch (reason._tag) {
    case "NotFound":
      return `Install ${plugin} in a directory of CNI_PATH (usually /opt/cni/bin), or correct ipam.type.`
    case "Refused":
      return reason.code === ErrorCodes.IncompatibleVersion
        ? `Set cniVersion to one that ${plugin} speaks, or install a newer ${plugin}.`
        : `Look at the ipam section of the network, and at the state that ${plugin} keeps.`
    case "NoAddress":
      return `Look at the ipam section of the network: ${plugin} has to be given a range, or addresses.`
    default:
      return `Run ${plugin} by hand with the same configuration, and look at its own log.`
  }
}
