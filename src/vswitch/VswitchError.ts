/** The one error of {@link Vswitch}: which switch, what was asked, what came back, what to do. */
import * as Schema from "effect/Schema"
import type { Explained } from "../cni/CniError.ts"
import { type ErrorCode, ErrorCodes } from "../cni/ErrorCodes.ts"

const code = (...codes: ReadonlyArray<keyof typeof ErrorCodes>) =>
  Schema.Literals(codes.map((name) => ErrorCodes[name]))

export class VswitchError extends Schema.TaggedError<VswitchError>()("VswitchError", {
  engine: Schema.Literals(["ovs-dpdk", "vpp"]),
  /** `plug port uspabc`, `unplug`, `list ports`. */
  operation: Schema.String,
  /** What came back, in the switch's own words where it had some. */
  answer: Schema.String,
  cure: Schema.String,
  code: code("SwitchRefused", "DpdkMissing", "AlreadyAttached", "SocketPath", "TryAgainLater", "InvalidConfiguration"),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get failed(): string {
    return `${this.engine === "vpp" ? "VPP" : "Open vSwitch"}: ${this.operation}: ${this.answer}`
  }
  override get message(): string {
    return this.failed
  }
}

/** Does not compile unless the error can explain itself. */
export const explained = (error: VswitchError): Explained & { readonly code: ErrorCode } => error
