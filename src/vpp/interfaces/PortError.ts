/** Why a port cannot be made, found or removed, for people. Pure; the one place with these words and codes. */
import { ErrorCodes } from "../../cni/spec/ErrorCodes.ts"
import type { FileError } from "../../platform/Files.ts"
import { VswitchError } from "../../vswitch/VswitchError.ts"
import { inWords, type VppError } from "../wire/VppError.ts"

export interface Refusal {
  readonly code: VswitchError["code"]
  readonly answer: string
  readonly cure: string
}

export const toError = (operation: string, refusal: Refusal): VswitchError =>
  new VswitchError({ engine: "vpp", operation, ...refusal })

export const fromVpp =
  (operation: string) =>
  (error: VppError): VswitchError =>
    toError(operation, { ...judged(error), answer: answerOf(error) })

/** Two VPPs may run on a node. */
const answerOf = ({ peer, reason }: VppError): string =>
  reason._tag === "Unreachable" ? `cannot connect to ${peer}: ${reason.code}` : inWords(reason)

export const fromFile =
  (operation: string) =>
  (error: FileError): VswitchError =>
    toError(operation, {
      code: ErrorCodes.SocketPath,
      answer: `cannot ${error.message}`,
      cure: "The plugin has to run as root and must see the directory of the socket under the same path as VPP."
    })

/** A VPP that is not there may be there when the runtime tries again; one that refuses will refuse again. */
const judged = ({ peer, reason }: VppError): Pick<Refusal, "code" | "cure"> => {
  switch (reason._tag) {
    case "Unreachable":
      return {
        code: ErrorCodes.TryAgainLater,
        cure: `Is VPP running on this node, and is ${peer} its API socket (host.socket; socksvr in VPP's startup.conf)? The plugin must be allowed to write to it.`
      }
    case "NoTurn":
      return {
        code: ErrorCodes.TryAgainLater,
        cure: "Too much is being added or removed at once, or VPP hangs. Try again."
      }
    case "NoAnswer":
    case "ConnectionLost":
      return {
        code: ErrorCodes.TryAgainLater,
        cure: `VPP is overloaded, stopped or being restarted, or ${peer} is the socket of something else (host.socket). Its log says more (\`vppctl show log\`). Try again.`
      }
    case "Malformed":
    case "NotWelcome":
      return {
        code: ErrorCodes.SwitchRefused,
        cure: `Is ${peer} the binary API socket of a VPP, 21.10 or later? Not its cli.sock.`
      }
    case "DoesNotFit":
      return { code: ErrorCodes.InvalidConfiguration, cure: "Correct that value in the configuration." }
    case "MessageMissing":
    case "MessageChanged":
      return {
        code: ErrorCodes.SwitchRefused,
        cure: "This VPP is of a release that the plugin does not know; 21.10 to 26.06 work. Use one of those, or a newer plugin."
      }
    case "PluginNotLoaded":
      return {
        code: ErrorCodes.SwitchRefused,
        cure: `Load ${reason.plugin}_plugin.so in VPP's startup.conf (plugins { plugin ${reason.plugin}_plugin.so { enable } }), and restart VPP.`
      }
    case "Refused":
      return refused(reason.name, reason.retval)
  }
}

const refused = (name: string, retval: number): Pick<Refusal, "code" | "cure"> => {
  const socket = /^(memif_create|memif_socket_filename|create_vhost_user)/.test(name)
  if (retval === -68) return { code: ErrorCodes.AlreadyAttached, cure: "DEL the attachment before it is added again." }
  if (retval === -79) {
    return { code: ErrorCodes.SocketPath, cure: "Two ports cannot share a socket: name another file in socketfile." }
  }
  if (socket && retval === -73) {
    return {
      code: ErrorCodes.SwitchRefused,
      cure: "ringSize has to be a power of two, and VPP has to see the directory of the socket under the same path."
    }
  }
  if (socket) {
    return {
      code: ErrorCodes.SocketPath,
      cure: "VPP has to see the directory of the socket under the same path, and nobody else may listen on the socket."
    }
  }
  if (name === "sw_interface_add_del_address") {
    return {
      code: ErrorCodes.SwitchRefused,
      cure: "Another interface of this VPP has an address of that subnet: with netType interface each pod needs one of its own. netType bridge shares."
    }
  }
  return { code: ErrorCodes.SwitchRefused, cure: "VPP's log says more: `vppctl show log`." }
}

export const alreadyAttached = (name: string): Refusal => ({
  code: ErrorCodes.AlreadyAttached,
  answer: `interface ${name} of this attachment exists already`,
  cure: "DEL the attachment before it is added again. The interface was left as it is."
})

export const notMade = (answer: string, cure: string): Refusal => ({ code: ErrorCodes.SwitchRefused, answer, cure })

/** `to`: `10.1.2.3/32`. */
export const routeTaken = (to: string, name: string): Refusal => ({
  code: ErrorCodes.SwitchRefused,
  answer: `${to} leads to interface ${name} already`,
  cure:
    `Two networks may give one address, somebody may have routed it (\`vppctl show ip fib ${to}\`), or a DEL that could ` +
    "not reach VPP has yet to be repeated: give the network a range of its own, remove that route, or try again later."
})

/** `is`: `VLAN 7 of bridge 1`. */
export const otherBridge = (bridgeDomain: number, is: string): Refusal => ({
  code: ErrorCodes.SwitchRefused,
  answer: `bridge domain ${bridgeDomain} is ${is} already`,
  cure:
    "Each VLAN of bridge N is bridge domain N * 4096 + vlanId: give the network another bridgeName. Numbers below 4096 " +
    "never meet those of VLANs."
})

export const notForVpp = (engine: string): Refusal => ({
  code: ErrorCodes.InvalidConfiguration,
  answer: `the port is for engine ${engine}`,
  cure: "Set host.engine to vpp."
})

export const needs = (what: string, release: string): Refusal => ({
  code: ErrorCodes.SwitchRefused,
  answer: `${what} is not offered by this VPP`,
  cure: `Use VPP ${release} or later, or leave it out.`
})

export const socketRefused = (answer: string, cure: string): Refusal => ({ code: ErrorCodes.SocketPath, answer, cure })
