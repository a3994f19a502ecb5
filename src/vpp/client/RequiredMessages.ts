/**
 * The required messages of a verb for a port. They are checked before the first change, so that a missing message is
 * reported precisely, and a VPP that only lacks others works. The newer of two alternatives is preferred.
 */
import * as Effect from "effect/Effect"
import type { VppPort } from "../../cni/network/HostPort.ts"
import * as BridgeDomain from "../messages/BridgeDomain.ts"
import * as Control from "../messages/Control.ts"
import * as Interface from "../messages/Interface.ts"
import * as Ip from "../messages/Ip.ts"
import * as Ports from "../messages/Ports.ts"
import type { Session, Wanted } from "./Session.ts"
import { VppError } from "./VppError.ts"

type Listed = Wanted & ({ readonly reply: Wanted } | { readonly details: Wanted })

/** Pairs of alternative messages. VPP removes the older one at some time. */
export const successors: ReadonlyArray<readonly [now: Listed, before: Listed]> = [
  [Ports.socketFilenameAddDelV2, Ports.socketFilenameAddDel],
  [Ports.createMemifV2, Ports.createMemif],
  [BridgeDomain.addDelV2, BridgeDomain.addDel]
]

const newer = (session: Session, now: Listed, before: Listed): Listed => (session.offers(now) ? now : before)

/** Needed for any port. */
export const toList: ReadonlyArray<Listed> = [Control.controlPing, Control.sockclntDelete, Interface.interfaceDump]

const ofPort = (session: Session, port: VppPort): ReadonlyArray<Listed> =>
  port.iftype === "memif"
    ? [
        newer(session, Ports.socketFilenameAddDelV2, Ports.socketFilenameAddDel),
        newer(session, Ports.createMemifV2, Ports.createMemif),
        Ports.removeMemif,
        Interface.tagAddDel
      ]
    : [Ports.createVhostUser, Ports.removeVhostUser]

const ofNetwork = (session: Session, { network }: VppPort): ReadonlyArray<Listed> => {
  switch (network.netType) {
    case "none":
      return []
    case "interface":
      return [Interface.addDelAddress, Ip.addressDump, Ip.routeAddDel, Ip.routeDump, Ip.routeLookup]
    case "bridge":
      return [
        newer(session, BridgeDomain.addDelV2, BridgeDomain.addDel),
        BridgeDomain.bridgeDomainDump,
        BridgeDomain.setBridge
      ]
  }
}

export const toPlug = (session: Session, port: VppPort): ReadonlyArray<Listed> => [
  ...toList,
  ...ofPort(session, port),
  Interface.setFlags,
  ...(port.mtu === undefined ? [] : [Interface.setHardwareMtu, Interface.setMtu]),
  ...ofNetwork(session, port)
]

/** Fails with the first message that is missing, has another CRC, or belongs to a plugin that is not loaded. */
export const check = Effect.fnUntraced(function* (session: Session, messages: ReadonlyArray<Listed>) {
  for (const message of messages) {
    const answer = "reply" in message ? message.reply : message.details
    for (const one of [message, answer]) {
      const verdict = session.verdict(one)
      if (verdict._tag !== "Offered") return yield* new VppError({ peer: session.peer, reason: verdict })
    }
  }
})
