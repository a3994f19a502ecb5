/** Interfaces in general: dumps and their filters, tag, flags, MTU. */
import { every } from "../../vpp/messages/Control.ts"
import * as Interface from "../../vpp/messages/Interface.ts"
import { type Handler, onDump, onInterface, onRequest } from "./VppMessage.ts"

export const interfaceMessages: ReadonlyArray<Handler> = [
  onDump(Interface.interfaceDump, ({ interfaces }, { name_filter, name_filter_valid, sw_if_index }) =>
    [...interfaces.values()]
      .map(({ row }) => row)
      .filter((row) => sw_if_index === 0 || sw_if_index === every || row.sw_if_index === sw_if_index)
      .filter((row) => !name_filter_valid || row.interface_name.toLowerCase().includes(name_filter.toLowerCase()))
      // A sub-interface has its parent's.
      .map((row) => ({ ...row, link_mtu: interfaces.get(row.sup_sw_if_index)?.row.link_mtu ?? row.link_mtu }))
  ),
  // A port has its queues while it is connected; one, unless more are asked for.
  onDump(Interface.rxPlacementDump, ({ interfaces }, { sw_if_index }) =>
    [...interfaces.values()]
      .filter(({ row }) => sw_if_index === every || row.sw_if_index === sw_if_index)
      .filter(({ row }) => (row.flags & Interface.linkUp) !== 0 && row.interface_name !== "local0")
      .flatMap(({ asked, row }) => {
        const count = "rx_queues" in asked && typeof asked.rx_queues === "number" ? asked.rx_queues || 1 : 1
        return Array.from({ length: count }, (_, queue_id) => ({
          ...{ sw_if_index: row.sw_if_index, queue_id, worker_id: 0, mode: 1 }
        }))
      })
  ),
  onRequest(
    Interface.setFlags,
    onInterface(({ row }, { flags }, { happened }) => {
      const before = row.flags
      row.flags = (before & ~Interface.adminUp) | (flags & Interface.adminUp)
      if (row.flags !== before) happened.push({ sw_if_index: row.sw_if_index, flags: row.flags, deleted: false })
      return 0
    }),
    {
      lines: ({ flags, sw_if_index }, name) => [
        `set interface state ${name(sw_if_index)} ${flags === Interface.adminUp ? "up" : "down"}`
      ]
    }
  ),
  onRequest(
    Interface.setHardwareMtu,
    onInterface(({ memif, row }, { mtu }, { traits }) => {
      if (!traits.anyLinkMtu && memif?.mode !== "ethernet") return memif === undefined ? -126 : -30
      row.link_mtu = mtu
      row.mtu = [mtu, 0, 0, 0]
      return 0
    }),
    { lines: ({ mtu, sw_if_index }, name) => [`set interface mtu ${mtu} ${name(sw_if_index)}`] }
  ),
  onRequest(
    Interface.setMtu,
    onInterface(({ row }, { mtu }) => {
      row.mtu = mtu
      return 0
    }),
    { lines: ({ mtu, sw_if_index }, name) => [`set interface mtu packet ${mtu[0]} ${name(sw_if_index)}`] }
  ),
  onRequest(
    Interface.tagAddDel,
    onInterface(({ row }, { is_add, tag }) => {
      row.tag = is_add ? Buffer.from(tag).subarray(0, 63).toString() : ""
      return 0
    }),
    {
      lines: ({ is_add, sw_if_index, tag }, name) => [
        is_add ? `set interface tag ${name(sw_if_index)} ${tag}` : `clear interface tag ${name(sw_if_index)}`
      ]
    }
  )
]
