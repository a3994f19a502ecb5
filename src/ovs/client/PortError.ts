/** Messages and codes for ports that cannot be created, or were not. No other module has them. */
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import { type PortError, VswitchError } from "../../vswitch/Vswitch.ts"
import { inWords, type OvsdbError } from "../wire/OvsdbError.ts"

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
