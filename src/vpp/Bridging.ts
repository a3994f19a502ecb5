/**
 * A port's place in a bridge domain. VPP refuses to delete one that has members (-120), and a member joins in the same
 * write in which the bridge domain is made: so the last one out removes it, and an ADD that is just coming cannot lose
 * it. Joining one that is not there would make it, without our mark.
 */
import * as Effect from "effect/Effect"
import type { VppNetwork } from "../cni/HostPort.ts"
import { run, type Step, step } from "./Batch.ts"
import { bridgeDomainTag } from "./Mark.ts"
import {
  addDel,
  addDelV2,
  bridgeDomainDump,
  efpFilter,
  pushOne,
  setBridge,
  vlanTagRewrite
} from "./messages/BridgeDomain.ts"
import { every } from "./messages/Control.ts"
import type { Session } from "./Session.ts"
import type { VppError } from "./VppError.ts"

type Bridge = Extract<VppNetwork, { readonly netType: "bridge" }>

const exists = -119
const hasMembers = -120
const isGone = -6

const addOrDelete = (session: Session, bridgeDomain: number, add: boolean, tolerated: ReadonlyArray<number>): Step => {
  const values = {
    bd_id: bridgeDomain,
    flood: add,
    uu_flood: add,
    forward: add,
    learn: add,
    arp_term: false,
    arp_ufwd: false,
    mac_age: 0,
    bd_tag: add ? bridgeDomainTag : "",
    is_add: add
  }
  return session.offers(addDelV2) ? step(addDelV2, values, tolerated) : step(addDel, values, tolerated)
}

/** One that exists is used as it is, whoever made it. */
export const join = (session: Session, index: number, { bridgeDomain, vlan }: Bridge): ReadonlyArray<Step> => [
  addOrDelete(session, bridgeDomain, true, [exists]),
  step(setBridge, { rx_sw_if_index: index, bd_id: bridgeDomain, port_type: 0, shg: 0, enable: true }),
  ...(vlan === undefined ? [] : access(index, vlan))
]

/**
 * An access port: frames get the tag on their way in and lose it on their way out. Without the filter VPP would take
 * any tag off, and so hand frames of other VLANs to this port. VPP answers the filter's request with whatever number the
 * last failure of anybody left behind; -2 would be a missing interface, which the rewrite before it would have told.
 */
const access = (index: number, vlan: number): ReadonlyArray<Step> => [
  step(vlanTagRewrite, { sw_if_index: index, vtr_op: pushOne, push_dot1q: 1, tag1: vlan, tag2: 0 }),
  step(efpFilter, { sw_if_index: index, enable_disable: true }, "any")
]

export const find = (session: Session, bridgeDomain: number) =>
  Effect.map(session.dump(bridgeDomainDump, { bd_id: bridgeDomain, sw_if_index: every }), (found) =>
    found.find(({ bd_id }) => bd_id === bridgeDomain)
  )

/** VPP neither made the bridge domain nor had it. */
export const notMade = ({ reason }: VppError): boolean =>
  reason._tag === "Refused" && (reason.name === addDel.name || reason.name === addDelV2.name)

/** The one that an interface is in, when the configuration does not tell. */
export const domainOf = (session: Session, index: number) =>
  Effect.map(
    session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every }),
    (domains) =>
      domains.find(({ sw_if_details }) => sw_if_details.some(({ sw_if_index }) => sw_if_index === index))?.bd_id
  )

/**
 * Removes it when it is ours and nobody is in it. Says whether it did. `unmarked`: one without a mark is ours as well,
 * because VPP refused to make it and joining made it.
 */
export const removeUnused = Effect.fnUntraced(function* (session: Session, bridgeDomain: number, unmarked = false) {
  const found = yield* find(session, bridgeDomain)
  if (found === undefined || found.sw_if_details.length > 0) return false
  if (found.bd_tag !== bridgeDomainTag && !(unmarked && found.bd_tag === "")) return false
  const [answer] = yield* run(session, [addOrDelete(session, bridgeDomain, false, [hasMembers, isGone])])
  return answer?.retval === 0
})
