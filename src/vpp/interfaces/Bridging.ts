/**
 * Bridge domain membership of a port. VPP refuses to delete a bridge domain with members (-120), and a port joins in
 * the same write in which its bridge domain is created, so the last port removes it and a concurrent ADD cannot lose
 * it. Joining a missing one would create it without the mark.
 *
 * Each VLAN of a bridge is a bridge domain of its own. Ports have neither tag rewrite nor filter: frames from a pod,
 * tagged or not, reach only the members of its bridge domain, and VPP does not parse their tags.
 */
import * as Effect from "effect/Effect"
import type { VppNetwork } from "../../cni/network/HostPort.ts"
import { run, type Session, type Step, step } from "../client/Session.ts"
import type { VppError } from "../client/VppError.ts"
import {
  addDel,
  addDelV2,
  bridgeDomainDump,
  noRewrite,
  setBridge,
  setLearnLimit,
  vlanTagRewrite
} from "../messages/BridgeDomain.ts"
import { every } from "../messages/Control.ts"
import { bridgeDomainOf, bridgeDomainTag } from "./Mark.ts"

export type Bridge = Extract<VppNetwork, { readonly netType: "bridge" }>

const exists = -119
const hasMembers = -120
const isGone = -6

/** Returns VPP's number of the bridge domain of a bridge, or of one of its VLANs. */
export const numberOf = ({ bridgeDomain, vlan }: Pick<Bridge, "bridgeDomain" | "vlan">): number =>
  vlan === undefined ? bridgeDomain : bridgeDomain * 4096 + vlan

/** Otherwise the number would exceed VPP's range, or be another bridge's. */
export const hasVlans = (bridgeDomain: number): boolean => bridgeDomain < 4096

const addOrDelete = (
  session: Session,
  bridgeDomain: number,
  tag: string | undefined,
  tolerated: ReadonlyArray<number>
): Step => {
  const add = tag !== undefined
  const values = {
    bd_id: bridgeDomain,
    flood: add,
    uu_flood: add,
    forward: add,
    learn: add,
    arp_term: false,
    arp_ufwd: false,
    mac_age: 0,
    bd_tag: tag ?? "",
    is_add: add
  }
  return session.offers(addDelV2) ? step(addDelV2, values, tolerated) : step(addDel, values, tolerated)
}

/** Uses an existing one as it is, whoever created it; {@link conflict} has checked it. */
export const join = (session: Session, index: number, bridge: Bridge): ReadonlyArray<Step> => [
  addOrDelete(session, numberOf(bridge), bridgeDomainTag(bridge.bridgeDomain, bridge.vlan), [exists]),
  step(setBridge, { rx_sw_if_index: index, bd_id: numberOf(bridge), port_type: 0, shg: 0, enable: true })
]

/**
 * VPP's MAC table, shared by all bridge domains, has 128 MB, and VPP crashes when it is full: at 4 million entries,
 * which one pod can send in a minute. VPP's own limits are above that.
 */
const macs = 16_384

/** Limits a bridge domain of ours; an administrator's is left as configured. */
export const limitMacs = (session: Session, there: { readonly bd_id: number; readonly bd_tag: string } | undefined) =>
  there !== undefined && bridgeDomainOf(there.bd_tag) !== undefined && session.offers(setLearnLimit)
    ? [step(setLearnLimit, { bd_id: there.bd_id, learn_limit: macs }, [isGone])]
    : []

/**
 * Removes a port from its bridge domain, and from the port a tag rewrite that somebody has set. The order matters, because
 * frames may pass between two steps: outside of every bridge domain the port is isolated.
 */
export const leave = (session: Session, index: number): ReadonlyArray<Step> => [
  step(setBridge, { rx_sw_if_index: index, bd_id: 0, port_type: 0, shg: 0, enable: false }),
  ...(session.offers(vlanTagRewrite)
    ? [step(vlanTagRewrite, { sw_if_index: index, vtr_op: noRewrite, push_dot1q: 0, tag1: 0, tag2: 0 })]
    : [])
]

export const find = (session: Session, bridgeDomain: number) =>
  Effect.map(session.dump(bridgeDomainDump, { bd_id: bridgeDomain, sw_if_index: every }), (found) =>
    found.find(({ bd_id }) => bd_id === bridgeDomain)
  )

/**
 * Returns what a bridge domain of ours is, such as `VLAN 7 of bridge 4`, if that is not the requested one. An
 * administrator's always fits.
 */
export const conflict = (bridge: Bridge, there: { readonly bd_tag: string } | undefined): string | undefined => {
  const is = there === undefined ? undefined : bridgeDomainOf(there.bd_tag)
  if (is === undefined || (is.vlan === undefined) === (bridge.vlan === undefined)) return undefined
  return is.vlan === undefined ? "a bridge without VLANs" : `VLAN ${is.vlan} of bridge ${is.bridge}`
}

/** VPP neither created the bridge domain nor had it. */
export const notMade = ({ reason }: VppError): boolean =>
  reason._tag === "Refused" && (reason.name === addDel.name || reason.name === addDelV2.name)

/** Returns the bridge domain of an interface, when the configuration does not name it. */
export const domainOf = (session: Session, index: number) =>
  Effect.map(
    session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every }),
    (domains) =>
      domains.find(({ sw_if_details }) => sw_if_details.some(({ sw_if_index }) => sw_if_index === index))?.bd_id
  )

/**
 * Removes it if it is ours and empty. Returns whether it did. `unmarked`: one without a mark is ours as well, because
 * VPP refused to create it and joining created it.
 */
export const removeUnused = Effect.fnUntraced(function* (session: Session, bridgeDomain: number, unmarked = false) {
  const found = yield* find(session, bridgeDomain)
  if (found === undefined || found.sw_if_details.length > 0) return false
  if (bridgeDomainOf(found.bd_tag) === undefined && !(unmarked && found.bd_tag === "")) return false
  const [answer] = yield* run(session, [addOrDelete(session, bridgeDomain, undefined, [hasMembers, isGone])])
  return answer?.retval === 0
})
