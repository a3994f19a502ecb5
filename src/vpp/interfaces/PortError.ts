/** Messages and codes for ports that cannot be created, found or removed. Pure; no other module has them. */
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import type { FileError } from "../../platform/Files.ts"
import { type PortError, VswitchError } from "../../vswitch/Vswitch.ts"
import { inWords, type VppError } from "../wire/VppError.ts"

export const toError = (operation: string, refusal: PortError): VswitchError =>
  new VswitchError({ engine: "vpp", operation, ...refusal })

/** For all errors of an operation: those of its parts that are judged already stay as they are. */
export const fromVpp =
  (operation: string) =>
  (error: VppError | VswitchError): VswitchError =>
    error._tag === "VswitchError" ? error : toError(operation, { ...judged(error), answer: answerOf(error) })

/** Names the socket, because two VPPs may run on a node. */
const answerOf = ({ peer, reason }: VppError): string =>
  reason._tag === "Unreachable" ? `cannot connect to ${peer}: ${reason.code}` : inWords(reason)

export const fromFile =
  (operation: string) =>
  (error: FileError): VswitchError =>
    toError(operation, {
      code: ErrorCodes.SocketPath,
      answer: `cannot ${error.message}`,
      cure: "Run the plugin as root, and mount the directory of the socket under the same path as for VPP."
    })

/** An unreachable VPP may be back when the runtime retries; one that refuses will refuse again. */
const judged = ({ peer, reason }: VppError): Judged => {
  switch (reason._tag) {
    case "Unreachable":
      return again(
        `Check that VPP runs on this node, that ${peer} is its API socket (host.socket; socksvr in VPP's startup.conf), and that the plugin may write to it.`
      )
    case "NoTurn":
      return again("Try again. Too many calls run at once, or VPP hangs.")
    case "NoAnswer":
    case "ConnectionLost":
      return again(
        `Try again, and check the log of VPP (\`vppctl show log\`). It is overloaded, stopped or restarting, or ${peer} is the socket of another program (host.socket).`
      )
    case "Malformed":
    case "NotWelcome":
      return final(`Set host.socket to the binary API socket of VPP 21.10 or later, not its cli.sock; it is ${peer}.`)
    case "DoesNotFit":
      return { code: ErrorCodes.InvalidConfiguration, cure: "Correct that value in the configuration." }
    case "MessageMissing":
    case "MessageChanged":
      return final("Use VPP 21.10 to 26.06, or a newer plugin: this release of VPP is unknown to it.")
    case "PluginNotLoaded":
      return final(
        `Load ${reason.plugin}_plugin.so in VPP's startup.conf (plugins { plugin ${reason.plugin}_plugin.so { enable } }), and restart VPP.`
      )
    case "Refused":
      return refused(reason.name, reason.retval)
  }
}

const refused = (name: string, retval: number): Judged => {
  const socket = /^(memif_create|memif_socket_filename|create_vhost_user)/.test(name)
  if (retval === -68) return { code: ErrorCodes.AlreadyAttached, cure: "DEL the attachment before adding it again." }
  if (retval === -79) return atSocket("Set another socketfile: two ports cannot share a socket.")
  if (socket && retval === -73) {
    return final(
      "Check that ringSize is a power of two, and that VPP sees the directory of the socket under the same path."
    )
  }
  if (socket) {
    return atSocket(
      "Check that VPP sees the directory of the socket under the same path, and that no other process listens on the socket."
    )
  }
  return name === "sw_interface_add_del_address"
    ? final(
        "Give each pod a subnet of its own, or use netType bridge: another interface of this VPP has an address of that subnet."
      )
    : final("Check the log of VPP: `vppctl show log`.")
}

type Judged = Pick<PortError, "code" | "cure">
const again = (cure: string): Judged => ({ code: ErrorCodes.TryAgainLater, cure })
const final = (cure: string): Judged => ({ code: ErrorCodes.SwitchRefused, cure })
const atSocket = (cure: string): Judged => ({ code: ErrorCodes.SocketPath, cure })

export const alreadyAttached = (name: string): PortError => ({
  code: ErrorCodes.AlreadyAttached,
  answer: `interface ${name} of this attachment already exists`,
  cure: "DEL the attachment before adding it again. The interface was not changed."
})

export const notMade = (answer: string, cure: string): PortError => ({ answer, ...final(cure) })

/** `to`: `10.1.2.3/32`. */
export const routeTaken = (to: string, name: string): PortError => ({
  code: ErrorCodes.SwitchRefused,
  answer: `${to} is already routed to interface ${name}`,
  cure:
    `Give the network a range of its own, remove that route (\`vppctl show ip fib ${to}\`), or try again later: two networks ` +
    "may assign one address, or a DEL that could not reach VPP has yet to be repeated."
})

/** `is`: `VLAN 7 of bridge 1`. */
export const otherBridge = (bridgeDomain: number, is: string): PortError => ({
  code: ErrorCodes.SwitchRefused,
  answer: `bridge domain ${bridgeDomain} already is ${is}`,
  cure:
    "Give the network another bridgeName: each VLAN of bridge N is bridge domain N * 4096 + vlanId. Numbers below 4096 " +
    "never collide with those of VLANs."
})

export const notForVpp = (engine: string): PortError => ({
  code: ErrorCodes.InvalidConfiguration,
  answer: `the port is for engine ${engine}`,
  cure: "Set host.engine to vpp."
})

export const needs = (what: string, release: string): PortError =>
  notMade(`${what} is not supported by this VPP`, `Use VPP ${release} or later, or leave it out.`)

export const socketRefused = (answer: string, cure: string): PortError => ({ answer, ...atSocket(cure) })
