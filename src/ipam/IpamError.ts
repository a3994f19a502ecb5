/** The error of `Ipam`: which plugin, which verb, what came back, what to do. */
import * as Data from "effect/Data"
import type { Explained } from "../cni/types/CniError.ts"
import { type ErrorCode, ErrorCodes } from "../cni/types/CniError.ts"

type Reason =
  /** No such program along CNI_PATH. */
  | { readonly _tag: "NotFound"; readonly path: ReadonlyArray<string> }
  /** It could not be started, or its output exceeded the limit. */
  | { readonly _tag: "NotRun"; readonly answer: string }
  /** It returned an error document. */
  | { readonly _tag: "Refused"; readonly code: number; readonly msg: string; readonly details: string }
  /** It failed without one. */
  | { readonly _tag: "Broke"; readonly status: string; readonly stderr: string }
  /** It succeeded, but its output is not a result. */
  | { readonly _tag: "Garbage"; readonly answer: string }
  | { readonly _tag: "NoAddress" }
  /** It does not support the network's version. */
  | { readonly _tag: "TooOld"; readonly cniVersion: string; readonly supported: ReadonlyArray<string> }
  | { readonly _tag: "TimedOut"; readonly seconds: number }
  /** Processes of an earlier, killed call are still running. */
  | { readonly _tag: "StillRuns"; readonly pids: ReadonlyArray<string>; readonly seconds: number }

interface Fields {
  readonly plugin: string
  readonly verb: "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION"
  readonly reason: Reason
  /** The last lines of its stderr, quoted, if the reason does not contain them. */
  readonly said?: string
}

export class IpamError extends Data.TaggedError("IpamError")<Fields> implements Explained {
  /** Code 11 (try again later) is kept, because the runtime acts on it. */
  get code(): ErrorCode {
    const { reason } = this
    if (reason._tag === "TimedOut" || reason._tag === "StillRuns") return ErrorCodes.TryAgainLater
    return reason._tag === "Refused" && reason.code === ErrorCodes.TryAgainLater
      ? ErrorCodes.TryAgainLater
      : ErrorCodes.IpamFailed
  }
  get failed(): string {
    const said = this.said === undefined || this.said === "" ? "" : `; on stderr: ${this.said}`
    return `IPAM plugin ${this.plugin} ${this.verb}: ${wordsFor(this.plugin, this.reason)[0]}${said}`
  }
  get cure(): string {
    return wordsFor(this.plugin, this.reason)[1]
  }
  override get message(): string {
    return this.failed
  }
}

/** What came back, and what to do. */
const wordsFor = (plugin: string, reason: Reason): readonly [answer: string, cure: string] => {
  const byHand = `Run ${plugin} by hand with the same configuration, and check its log.`
  const newer = `Set cniVersion to one that ${plugin} supports, or install a newer ${plugin}.`
  switch (reason._tag) {
    case "NotFound":
      return [
        `not found along CNI_PATH=${reason.path.join(":")}`,
        `Install ${plugin} in a directory of CNI_PATH (usually /opt/cni/bin), or correct ipam.type.`
      ]
    case "NotRun":
      return [`could not be run: ${reason.answer}`, byHand]
    case "Refused":
      return [
        `code ${reason.code}: ${reason.msg}${reason.details === "" ? "" : `; ${reason.details}`}`,
        reason.code === ErrorCodes.IncompatibleVersion
          ? newer
          : `Check the ipam section of the network, and the state of ${plugin}.`
      ]
    case "Broke":
      return [
        `ended with ${reason.status} and no error document${reason.stderr === "" ? "" : `: ${reason.stderr}`}`,
        byHand
      ]
    case "Garbage":
      return [`returned an invalid result: ${reason.answer}`, byHand]
    case "NoAddress":
      return ["returned no address", `Check the ipam section of the network: ${plugin} needs a range, or addresses.`]
    case "TooOld":
      return [`supports cniVersion ${reason.supported.join(", ")}, but the network has ${reason.cniVersion}`, newer]
    case "TimedOut":
      return [`no answer within ${reason.seconds} s; it was killed`, byHand]
    case "StillRuns":
      return [
        `started by a killed ADD, and still running after ${reason.seconds} s (pid ${reason.pids.join(", ")})`,
        "Wait for it to end: the next DEL, which runtimes send by themselves, releases its address. If it hangs, kill " +
          "that process."
      ]
  }
}
