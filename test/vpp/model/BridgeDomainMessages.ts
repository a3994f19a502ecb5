/**
 * Bridge domains: created by joining a missing one, kept while they have members, marked only when they are created
 * explicitly.
 */
import * as BridgeDomain from "../../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../../src/vpp/messages/Control.ts"
import { type Handler, onDump, onInterface, onRequest } from "./VppMessage.ts"
import type { Domain, Interface, Values, VppModel } from "./VppModel.ts"

type AddDel = Values<typeof BridgeDomain.addDel>

const addDel = (model: VppModel, { is_add, ...values }: AddDel): number => {
  const { bd_id, bd_tag, flood, forward, learn, uu_flood } = values
  if (bd_id === 0) return is_add ? -119 : -121
  if (bd_id > 0xffffff) return -122
  const there = model.domains.has(bd_id)
  if (is_add) {
    if (there) return -119
    model.addDomain(bd_id, { bd_tag, flood, forward, learn, uu_flood })
    return 0
  }
  if (!there) return -6
  if (model.membersOf(bd_id).length > 0) return -120
  model.domains.delete(bd_id)
  return 0
}

/** Layer 2 settings are removed with the last bridge domain, and stay when the port moves to another. */
const leave = (domains: Iterable<Domain>, entry: Interface, joins: boolean) => {
  const { row } = entry
  entry.domain = undefined
  for (const one of domains) if (one.bvi_sw_if_index === row.sw_if_index) one.bvi_sw_if_index = every
  if (joins) return
  Object.assign(row, { vtr_op: 0, vtr_push_dot1q: 0, vtr_tag1: 0, vtr_tag2: 0 })
}

/** `port_type`: the interface of the node itself. */
const bvi = 1

export const bridgeDomainMessages: ReadonlyArray<Handler> = [
  onRequest(BridgeDomain.addDel, (model, values) => ({ retval: addDel(model, values) })),
  onRequest(BridgeDomain.addDelV2, (model, values) => {
    const bd_id = values.bd_id === every && values.is_add ? model.anyDomain() : values.bd_id
    return { retval: addDel(model, { ...values, bd_id }), bd_id }
  }),
  onDump(BridgeDomain.bridgeDomainDump, (model, { bd_id, sw_if_index }) =>
    [...model.domains.values()]
      .filter((one) => sw_if_index === every && (bd_id === every || one.bd_id === bd_id))
      .map((one) => ({
        ...one,
        sw_if_details: model
          .membersOf(one.bd_id)
          .map(({ row }) => ({ context: 0, sw_if_index: row.sw_if_index, shg: 0 }))
      }))
  ),
  onRequest(BridgeDomain.setBridge, (model, { bd_id, enable, port_type, rx_sw_if_index }) => {
    const entry = model.interfaces.get(rx_sw_if_index)
    if (entry === undefined) return { retval: -2 }
    const joins = enable && bd_id !== 0
    leave(model.domains.values(), entry, joins)
    if (!joins) return { retval: 0 }
    const joined = model.domains.get(bd_id) ?? model.addDomain(bd_id, {})
    entry.domain = bd_id
    if (port_type === bvi) joined.bvi_sw_if_index = rx_sw_if_index
    return { retval: 0 }
  }),
  onRequest(BridgeDomain.setLearnLimit, ({ domains }, { bd_id, learn_limit }) => {
    const there = domains.get(bd_id)
    if (there === undefined) return { retval: -6 }
    there.learnLimit = learn_limit
    return { retval: 0 }
  }),
  onInterface(BridgeDomain.vlanTagRewrite, ({ row }, { push_dot1q, tag1, tag2, vtr_op }) => {
    Object.assign(row, { vtr_op, vtr_push_dot1q: push_dot1q, vtr_tag1: tag1, vtr_tag2: tag2 })
  })
]
