/**
 * Interfaces in general: dumps and their filters, tag, flags, MTU. And what captures use: spans, and interfaces on devices
 * of the kernel. A span outlives both of its ends.
 */
import * as AfPacket from "../../vpp/messages/AfPacket.ts"
import { every } from "../../vpp/messages/Control.ts"
import * as Interface from "../../vpp/messages/Interface.ts"
import * as Span from "../../vpp/messages/Span.ts"
import { type Handler, onDump, onInterface, onRequest } from "./VppMessage.ts"
import type { VppModel } from "./VppModel.ts"

const nameOf = (device: string): string => `host-${device}`

/** Of a device it knows nothing: whether the kernel has it, who asks has to know. */
const create = (model: VppModel, device: string) =>
  model.named(nameOf(device)) === undefined
    ? {
        retval: 0,
        sw_if_index: model.add({ interface_name: nameOf(device), interface_dev_type: "af-packet" }).row.sw_if_index
      }
    : { retval: -81, sw_if_index: every }

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
  // A memif has its queues while it is connected, vhost-user always has one; one, unless more are asked for.
  onDump(Interface.rxPlacementDump, ({ interfaces }, { sw_if_index }) =>
    [...interfaces.values()]
      .filter(({ row }) => sw_if_index === every || row.sw_if_index === sw_if_index)
      .filter(({ row, vhost }) => vhost !== undefined || (row.flags & Interface.linkUp) !== 0)
      .flatMap(({ asked, row }) => {
        const count = "rx_queues" in asked && typeof asked.rx_queues === "number" ? asked.rx_queues || 1 : 1
        return Array.from({ length: count }, (_, queue_id) => ({
          ...{ sw_if_index: row.sw_if_index, queue_id, worker_id: 0, mode: 1 }
        }))
      })
  ),
  onInterface(
    Interface.setFlags,
    ({ row }, { flags }, { happened }) => {
      const before = row.flags
      row.flags = (before & ~Interface.adminUp) | (flags & Interface.adminUp)
      if (row.flags !== before) happened.push({ sw_if_index: row.sw_if_index, flags: row.flags, deleted: false })
    },
    ({ flags, sw_if_index }, name) =>
      `set interface state ${name(sw_if_index)} ${flags === Interface.adminUp ? "up" : "down"}`
  ),
  onInterface(
    Interface.setHardwareMtu,
    ({ memif, row }, { mtu }, { traits }) => {
      if (!traits.anyLinkMtu && memif?.mode !== "ethernet") return memif === undefined ? -126 : -30
      row.link_mtu = mtu
      row.mtu = [mtu, 0, 0, 0]
      return 0
    },
    ({ mtu, sw_if_index }, name) => `set interface mtu ${mtu} ${name(sw_if_index)}`
  ),
  onInterface(
    Interface.setMtu,
    ({ row }, { mtu }) => {
      row.mtu = mtu
    },
    ({ mtu, sw_if_index }, name) => `set interface mtu packet ${mtu[0]} ${name(sw_if_index)}`
  ),
  onInterface(
    Interface.tagAddDel,
    ({ row }, { is_add, tag }) => {
      row.tag = is_add ? Buffer.from(tag).subarray(0, 63).toString() : ""
    },
    ({ is_add, sw_if_index, tag }, name) =>
      is_add ? `set interface tag ${name(sw_if_index)} ${tag}` : `clear interface tag ${name(sw_if_index)}`
  ),
  onRequest(AfPacket.createV3, (model, { host_if_name }) => create(model, host_if_name)),
  onRequest(AfPacket.create, (model, { host_if_name }) => create(model, host_if_name)),
  onRequest(AfPacket.remove, (model, { host_if_name }) => {
    const there = model.named(nameOf(host_if_name))
    if (there === undefined) return { retval: -2 }
    model.remove(there.row.sw_if_index)
    return { retval: 0 }
  }),
  onRequest(
    Span.enableDisable,
    (model, span) => {
      const { interfaces, spans } = model
      if (!interfaces.has(span.sw_if_index_from) || !interfaces.has(span.sw_if_index_to)) return { retval: -2 }
      if (span.state === Span.disabled) spans.delete(spanKey(span))
      else spans.set(spanKey(span), span)
      return { retval: 0 }
    },
    ({ state, sw_if_index_from, sw_if_index_to }, name) =>
      `set interface span ${name(sw_if_index_from)} destination ${name(sw_if_index_to)} ${["disable", "rx", "tx", "both"][state]}`
  ),
  onDump(Span.spanDump, ({ spans }) => [...spans.values()])
]
