/** Interfaces in general: dumps and their filters, tag, flags, MTU, spans. A span outlives both of its ends. */
import { every } from "../../../src/vpp/messages/Control.ts"
import * as Interface from "../../../src/vpp/messages/Interface.ts"
import { spanDisabled, spanDump, spanEnableDisable } from "../../../src/vpp/messages/Interface.ts"
import { type Handler, onDump, onInterface, onRequest } from "./VppMessage.ts"

/** Of a span in {@link VppModel.spans}. */
export const spanKey = (span: { readonly sw_if_index_from: number; readonly sw_if_index_to: number }): string =>
  `${span.sw_if_index_from} ${span.sw_if_index_to}`

export const interfaceMessages: ReadonlyArray<Handler> = [
  onDump(Interface.interfaceDump, ({ interfaces }, { name_filter, name_filter_valid, sw_if_index }) =>
    [...interfaces.values()]
      .map(({ row }) => row)
      .filter((row) => sw_if_index === 0 || sw_if_index === every || row.sw_if_index === sw_if_index)
      .filter((row) => !name_filter_valid || row.interface_name.toLowerCase().includes(name_filter.toLowerCase()))
      // A sub-interface has its parent's.
      .map((row) => ({ ...row, link_mtu: interfaces.get(row.sup_sw_if_index)?.row.link_mtu ?? row.link_mtu }))
  ),
  onInterface(Interface.setFlags, ({ row }, { flags }, { happened }) => {
    const before = row.flags
    row.flags = (before & ~Interface.adminUp) | (flags & Interface.adminUp)
    if (row.flags !== before) happened.push({ sw_if_index: row.sw_if_index, flags: row.flags, deleted: false })
  }),
  onInterface(Interface.setHardwareMtu, ({ memif, row }, { mtu }, { traits }) => {
    if (!traits.anyLinkMtu && memif?.mode !== "ethernet") return memif === undefined ? -126 : -30
    row.link_mtu = mtu
    row.mtu = [mtu, 0, 0, 0]
    return 0
  }),
  onInterface(Interface.setMtu, ({ row }, { mtu }) => {
    row.mtu = mtu
  }),
  onInterface(Interface.tagAddDel, ({ row }, { is_add, tag }) => {
    row.tag = is_add ? Buffer.from(tag).subarray(0, 63).toString() : ""
  }),
  onRequest(spanEnableDisable, (model, span) => {
    const { interfaces, spans } = model
    if (!interfaces.has(span.sw_if_index_from) || !interfaces.has(span.sw_if_index_to)) return { retval: -2 }
    if (span.state === spanDisabled) spans.delete(spanKey(span))
    else spans.set(spanKey(span), span)
    return { retval: 0 }
  }),
  onDump(spanDump, ({ spans }) => [...spans.values()])
]
