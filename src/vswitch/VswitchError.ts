/** The error of {@link Vswitch}: which switch, which operation, what came back, what to do. */
import * as Data from "effect/Data"
import type { ErrorCode, ErrorCodes, Explained } from "../cni/spec/CniError.ts"

export class VswitchError extends Data.TaggedError("VswitchError")<{
  readonly engine: "ovs-dpdk" | "vpp"
  /** `plug port uspabc`, `unplug`, `list ports`. */
  readonly operation: string
  /** What came back, in the switch's own words if it had any. */
  readonly answer: string
  readonly cure: string
  readonly code: (typeof ErrorCodes)[
    | "SwitchRefused"
    | "DpdkMissing"
    | "AlreadyAttached"
    | "SocketPath"
    | "TryAgainLater"
    | "CleanupIncomplete"
    | "InvalidConfiguration"]
  readonly cause?: unknown
}> {
  get failed(): string {
    return `${this.engine === "vpp" ? "VPP" : "Open vSwitch"}: ${this.operation}: ${this.answer}`
  }
  override get message(): string {
    return this.failed
  }
}

/** Why a port cannot be used, or was not created. Each switch adds its name and the operation. */
export type PortError = Pick<VswitchError, "code" | "answer" | "cure">

/** Does not compile unless the error can explain itself. */
export const explained = (error: VswitchError): Explained & { readonly code: ErrorCode } => error
