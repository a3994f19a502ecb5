/**
 * What became of a committed port: ovs-vswitchd accepts every row and says afterwards, in other columns, whether it
 * could be done. Pure. ovs-vswitchd.conf.db(5), Interface: `error`, `ofport`; Bridge: `datapath_id`.
 */
import { ErrorCodes } from "../../cni/spec/ErrorCodes.ts"
import { dpdkMissing } from "../ports/Preflight.ts"
import type { Settled } from "./OvsClient.ts"
import type { Refusal } from "./PortError.ts"
import type { PortPlan } from "./PortPlan.ts"

export const vswitchdSilent = (millis: number): Refusal => ({
  code: ErrorCodes.TryAgainLater,
  answer: `the database accepted the port, ovs-vswitchd did nothing within ${millis} ms; the port was taken back`,
  cure: "Is ovs-vswitchd running on this node? Its log says what it is busy with."
})

/** Undefined: the port is there and works. */
export const failure = (plan: PortPlan, { bridge, interface: row }: Settled): Refusal | undefined => {
  if (row === undefined || bridge === undefined) {
    return {
      code: ErrorCodes.TryAgainLater,
      answer: `the port was removed by somebody else while ovs-vswitchd made it`,
      cure: "Try again; if it stays so, something on this node removes ports that it did not make."
    }
  }
  if (row.error !== undefined) return named(plan, row.error)
  if (bridge.datapath_id === undefined) {
    return {
      code: ErrorCodes.SwitchRefused,
      answer: `ovs-vswitchd could not create bridge ${plan.bridge}`,
      cure: "The log of ovs-vswitchd says why; often the tap device of the bridge's name is taken."
    }
  }
  if (row.ofport === undefined || row.ofport < 0) {
    return {
      code: ErrorCodes.SwitchRefused,
      answer: `ovs-vswitchd gave the port no number (ofport ${row.ofport ?? "empty"}) and no reason`,
      cure: "The log of ovs-vswitchd says more."
    }
  }
  return undefined
}

const named = (plan: PortPlan, error: string): Refusal =>
  error.includes("Address family not supported")
    ? dpdkMissing(error)
    : error.includes("Unknown error -1") && plan.type === "dpdkvhostuser"
      ? {
          code: ErrorCodes.SocketPath,
          answer: `${error}: ovs-vswitchd could not make its socket ${plan.socket}`,
          cure: "Something is at that path, or the directory (OVS_SOCKDIR) is not the one that ovs-vswitchd uses."
        }
      : { code: ErrorCodes.SwitchRefused, answer: error, cure: "The log of ovs-vswitchd says more." }
