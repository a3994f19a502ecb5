/**
 * The outcome of a committed port: ovs-vswitchd accepts every row and reports in other columns whether it could be
 * applied. Pure. ovs-vswitchd.conf.db(5), Interface: `error`, `ofport`; Bridge: `datapath_id`.
 */
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import type { PortError } from "../../vswitch/VswitchError.ts"
import type { Applied } from "../client/OvsClient.ts"
import type { PortPlan } from "../client/PortPlan.ts"
import { dpdkMissing } from "./Preflight.ts"

export const vswitchdSilent = (millis: number): PortError => ({
  code: ErrorCodes.TryAgainLater,
  answer: `the database accepted the port, but ovs-vswitchd did not configure it within ${millis} ms; the port was removed again`,
  cure: "Check that ovs-vswitchd runs on this node, and check its log."
})

/** Undefined: the port exists and works. */
export const failure = (plan: PortPlan, { bridge, interface: row }: Applied): PortError | undefined => {
  if (row === undefined || bridge === undefined) {
    return {
      code: ErrorCodes.TryAgainLater,
      answer: `the port was removed by another process while ovs-vswitchd created it`,
      cure: "Try again. If it persists, find what removes ports on this node."
    }
  }
  if (row.error !== undefined) return named(plan, row.error)
  if (bridge.datapath_id === undefined) {
    return {
      code: ErrorCodes.SwitchRefused,
      answer: `ovs-vswitchd could not create bridge ${plan.bridge}`,
      cure: "Check the log of ovs-vswitchd; often a network device already has the bridge's name."
    }
  }
  if (row.ofport === undefined || row.ofport < 0) {
    return {
      code: ErrorCodes.SwitchRefused,
      answer: `ovs-vswitchd assigned no port number (ofport ${row.ofport ?? "empty"}) and reported no error`,
      cure: "Check the log of ovs-vswitchd."
    }
  }
  return undefined
}

const named = (plan: PortPlan, error: string): PortError =>
  error.includes("Address family not supported")
    ? dpdkMissing(error)
    : error.includes("Unknown error -1") && plan.type === "dpdkvhostuser"
      ? {
          code: ErrorCodes.SocketPath,
          answer: `${error}: ovs-vswitchd could not create its socket ${plan.socket}`,
          cure: "Remove what is at that path, or set OVS_SOCKDIR to the directory that ovs-vswitchd uses."
        }
      : { code: ErrorCodes.SwitchRefused, answer: error, cure: "Check the log of ovs-vswitchd." }
