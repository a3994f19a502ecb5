/** Bridge domains: made by joining one that is not there, kept as long as they have members, marked when made only. */
import * as BridgeDomain from "../../../src/vpp/messages/BridgeDomain.ts"
import { type Handler, onDump, onRequest } from "./Handler.ts"
import { on } from "./Interfaces.ts"
import type { Domain, Interface, State } from "./State.ts"

const none = 0xffffffff

interface AddDel {
  readonly bd_id: number
  readonly flood: boolean
  readonly uu_flood: boolean
  readonly forward: boolean
  readonly learn: boolean
  readonly bd_tag: string
  readonly is_add: boolean
}

const addDel = (state: State, { bd_id, bd_tag, flood, forward, is_add, learn, uu_flood }: AddDel): number => {
  if (bd_id === 0) return is_add ? -119 : -121
  if (bd_id > 0xffffff) return -122
  if (is_add) {
    if (state.domains.has(bd_id)) return -119
    state.domains.set(bd_id, domain(bd_id, { tag: bd_tag, flood, forward, learn, uuFlood: uu_flood }))
    return 0
  }
  if (!state.domains.has(bd_id)) return -6
  if (state.membersOf(bd_id).length > 0) return -120
  state.domains.delete(bd_id)
  return 0
}

const domain = (id: number, with_: Omit<Domain, "id" | "bvi">): Domain => ({ id, bvi: undefined, ...with_ })

/** What was set for layer 2 goes with the last domain, and stays on the way to another. */
const leave = (state: State, entry: Interface, joins: boolean) => {
  entry.domain = undefined
  for (const one of state.domains.values()) if (one.bvi === entry.index) one.bvi = undefined
  if (joins) return
  entry.rewrite = { op: 0, dot1q: 0, tag1: 0, tag2: 0 }
  entry.filter = false
}

export const domainHandlers: ReadonlyArray<Handler> = [
  onRequest(BridgeDomain.addDel, (state, values) => ({ retval: addDel(state, values) })),
  onRequest(BridgeDomain.addDelV2, (state, values) => {
    const bd_id = values.bd_id === none && values.is_add ? state.anyDomain() : values.bd_id
    return { retval: addDel(state, { ...values, bd_id }), bd_id }
  }),
  onDump(BridgeDomain.bridgeDomainDump, (state, { bd_id, sw_if_index }) =>
    sw_if_index !== none
      ? []
      : [...state.domains.values()]
          .filter(({ id }) => bd_id === none || id === bd_id)
          .map(({ bvi, flood, forward, id, learn, tag, uuFlood }) => ({
            bd_id: id,
            flood,
            uu_flood: uuFlood,
            forward,
            learn,
            arp_term: false,
            arp_ufwd: false,
            mac_age: 0,
            bd_tag: tag,
            bvi_sw_if_index: bvi ?? none,
            uu_fwd_sw_if_index: none,
            sw_if_details: state.membersOf(id).map(({ index }) => ({ context: 0, sw_if_index: index, shg: 0 }))
          }))
  ),
  onRequest(BridgeDomain.setBridge, (state, { bd_id, enable, port_type, rx_sw_if_index }) => {
    const entry = state.interfaces.get(rx_sw_if_index)
    if (entry === undefined) return { retval: -2 }
    const joins = enable && bd_id !== 0
    leave(state, entry, joins)
    if (!joins) return { retval: 0 }
    const all = { tag: "", flood: true, forward: true, learn: true, uuFlood: true }
    const joined = state.domains.get(bd_id) ?? domain(bd_id, all)
    state.domains.set(bd_id, joined)
    entry.domain = bd_id
    if (port_type === 1) joined.bvi = rx_sw_if_index
    return { retval: 0 }
  }),
  onRequest(BridgeDomain.setLearnLimit, (state, { bd_id, learn_limit }) => {
    const there = state.domains.get(bd_id)
    if (there === undefined) return { retval: -6 }
    there.learnLimit = learn_limit
    return { retval: 0 }
  }),
  onRequest(
    BridgeDomain.vlanTagRewrite,
    on((entry, { push_dot1q, tag1, tag2, vtr_op }) => {
      entry.rewrite = { op: vtr_op, dot1q: push_dot1q, tag1, tag2 }
      return 0
    })
  ),
  // Answered with whatever the last failure of anybody was.
  onRequest(
    BridgeDomain.efpFilter,
    on((entry, { enable_disable }, { lastFailure }) => {
      entry.filter = enable_disable
      return lastFailure
    })
  )
]
