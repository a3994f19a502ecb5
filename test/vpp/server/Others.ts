/**
 * Messages that no dry run plans: those of captures and of counters, and those in the recordings that the plugin does not
 * use, so that the recordings can be replayed.
 */

import { every } from "../../../src/vpp/messages/Control.ts"
import { anyMac, bool, i32, mac, text, u32 } from "../../../src/vpp/messages/Field.ts"
import * as Interface from "../../../src/vpp/messages/Interface.ts"
import { created, plain, reply, request } from "../../../src/vpp/messages/Message.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"
import { type Handler, onDump, onInterface, onRequest } from "../model/VppMessage.ts"
import type { VppModel } from "../model/VppModel.ts"
import { wantEvents } from "./Events.ts"

const index = { sw_if_index: u32 }

const nameOf = (device: string): string => `host-${device}`

/** Of a device it knows nothing: whether the kernel has it, who asks has to know. */
const create = (model: VppModel, device: string) =>
  model.named(nameOf(device)) === undefined
    ? {
        retval: 0,
        sw_if_index: model.add({ interface_name: nameOf(device), interface_dev_type: "af-packet" }).row.sw_if_index
      }
    : { retval: -81, sw_if_index: every }

export const otherHandlers: ReadonlyArray<Handler> = [
  onRequest(Ports.createHostInterfaceV3, (model, { host_if_name }) => create(model, host_if_name)),
  onRequest(Ports.createHostInterface, (model, { host_if_name }) => create(model, host_if_name)),
  onRequest(Ports.removeHostInterface, (model, { host_if_name }) => {
    const there = model.named(nameOf(host_if_name))
    if (there === undefined) return { retval: -2 }
    model.remove(there.row.sw_if_index)
    return { retval: 0 }
  }),
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
    request("sw_interface_set_mac_address", "c536e7eb", { ...index, mac_address: mac }, plain),
    ({ row }, { mac_address }) => {
      row.l2_address = mac_address
      return 0
    }
  ),
  onRequest(
    request("sw_interface_get_mac_address", "f9e6675e", index, reply("40ef2c08", { retval: i32, mac_address: mac })),
    ({ interfaces }, { sw_if_index }) => ({
      retval: 0,
      mac_address: interfaces.get(sw_if_index)?.row.l2_address ?? anyMac
    })
  ),
  onInterface(
    request(
      "sw_interface_set_rx_mode",
      "b04d1cfe",
      { ...index, queue_id_valid: bool, queue_id: u32, mode: u32 },
      plain
    ),
    () => 0
  ),
  onInterface(
    request("sw_interface_set_table", "df42a577", { ...index, is_ipv6: bool, vrf_id: u32 }, plain),
    (_, { vrf_id }) => (vrf_id === 0 ? 0 : -3)
  ),
  onRequest(
    request(
      "sw_interface_get_table",
      "2d033de4",
      { ...index, is_ipv6: bool },
      reply("a6eb0109", { retval: i32, vrf_id: u32 })
    ),
    () => ({ retval: 0, vrf_id: 0 })
  ),
  onInterface(
    request("sw_interface_set_interface_name", "45a1d548", { ...index, name: text(64) }, plain),
    ({ row }, { name }) => {
      row.interface_name = name
      return 0
    }
  ),
  onRequest(
    request("create_vlan_subif", "af34ac8b", { ...index, vlan_id: u32 }, created),
    (model, { sw_if_index, vlan_id }) => {
      const parent = model.interfaces.get(sw_if_index)?.row
      if (parent === undefined) return { retval: -2, sw_if_index: every }
      const taken = [...model.interfaces.values()].some(
        ({ row }) => row.sup_sw_if_index === sw_if_index && row.sub_id === vlan_id
      )
      if (taken) return { retval: -56, sw_if_index: every }
      const { row } = model.add({
        ...{ interface_name: `${parent.interface_name}.${vlan_id}`, interface_dev_type: parent.interface_dev_type },
        ...{ sup_sw_if_index: sw_if_index, type: 1, l2_address: anyMac, mtu: [0, 0, 0, 0] },
        ...{ sub_id: vlan_id, sub_number_of_tags: 1, sub_outer_vlan_id: vlan_id, sub_if_flags: 18 }
      })
      return { retval: 0, sw_if_index: row.sw_if_index }
    }
  ),
  onInterface(request("delete_subif", "f9e6675e", index, plain), ({ row }, _, model) => {
    if (row.type !== 1) return -2
    model.remove(row.sw_if_index)
    return 0
  }),
  onRequest(wantEvents, () => ({ retval: 0 }))
]
