/** Messages that stand in the recordings and that the plugin does not use, so that the recordings can be replayed. */

import { indexReply, plainReply } from "../../../src/vpp/messages/Control.ts"
import { mac } from "../../../src/vpp/wire/Address.ts"
import { bool, i32, text, u32 } from "../../../src/vpp/wire/Field.ts"
import { reply, request } from "../../../src/vpp/wire/Message.ts"
import { wantEvents } from "./Events.ts"
import { type Handler, onRequest } from "./Handler.ts"
import { on } from "./Interfaces.ts"

const plain = <const F extends Readonly<Record<string, unknown>>>(
  name: string,
  crc: string,
  fields: Parameters<typeof request<F, { retval: number }>>[2]
) => request<F, { retval: number }>(name, crc, fields, plainReply(name))

const index = { sw_if_index: u32 }

export const otherHandlers: ReadonlyArray<Handler> = [
  onRequest(
    plain("sw_interface_set_mac_address", "c536e7eb", { ...index, mac_address: mac }),
    on((entry, { mac_address }) => {
      entry.mac = mac_address
      return 0
    })
  ),
  onRequest(
    request(
      "sw_interface_get_mac_address",
      "f9e6675e",
      index,
      reply("sw_interface_get_mac_address_reply", "40ef2c08", { retval: i32, mac_address: mac })
    ),
    (state, { sw_if_index }) => ({
      retval: 0,
      mac_address: state.interfaces.get(sw_if_index)?.mac ?? "00:00:00:00:00:00"
    })
  ),
  onRequest(
    plain("sw_interface_set_rx_mode", "b04d1cfe", { ...index, queue_id_valid: bool, queue_id: u32, mode: u32 }),
    on(() => 0)
  ),
  onRequest(
    plain("sw_interface_set_table", "df42a577", { ...index, is_ipv6: bool, vrf_id: u32 }),
    on((_, { vrf_id }) => (vrf_id === 0 ? 0 : -3))
  ),
  onRequest(
    request(
      "sw_interface_get_table",
      "2d033de4",
      { ...index, is_ipv6: bool },
      reply("sw_interface_get_table_reply", "a6eb0109", { retval: i32, vrf_id: u32 })
    ),
    () => ({ retval: 0, vrf_id: 0 })
  ),
  onRequest(
    plain("sw_interface_set_interface_name", "45a1d548", { ...index, name: text(64) }),
    on((entry, { name }) => {
      entry.name = name
      return 0
    })
  ),
  onRequest(
    request("create_vlan_subif", "af34ac8b", { ...index, vlan_id: u32 }, indexReply("create_vlan_subif")),
    (state, { sw_if_index, vlan_id }) => {
      const parent = state.interfaces.get(sw_if_index)
      if (parent === undefined) return { retval: -2, sw_if_index: 0xffffffff }
      const sub = { parent: sw_if_index, vlan: vlan_id }
      const taken = [...state.interfaces.values()].some(
        (one) => one.sub?.parent === sw_if_index && one.sub.vlan === vlan_id
      )
      if (taken) return { retval: -56, sw_if_index: 0xffffffff }
      const made = state.add(parent.kind, () => ({ name: `${parent.name}.${vlan_id}`, mtu: 0, sub }))
      return { retval: 0, sw_if_index: made.index }
    }
  ),
  onRequest(
    plain("delete_subif", "f9e6675e", index),
    on(({ index, sub }, _, state) => {
      if (sub === undefined) return -2
      state.remove(index)
      return 0
    })
  ),
  onRequest(wantEvents, () => ({ retval: 0 }))
]
