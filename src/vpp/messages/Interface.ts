/** Properties of every interface, and copies of its packets on another. VPP: src/vnet/interface.api, src/vnet/span/span.api. */
import { bool, mac, prefix, text, times, trailingText, u8, u16, u32 } from "./Field.ts"
import { dump, plain, reply, request } from "./Message.ts"

export const adminUp = 1
export const linkUp = 2

export const setFlags = request("sw_interface_set_flags", "f5aec1b8", { sw_if_index: u32, flags: u32 }, plain)

/** The link's MTU: the longest frame, without its Ethernet header. */
export const setHardwareMtu = request("hw_interface_set_mtu", "e6746899", { sw_if_index: u32, mtu: u16 }, plain)

/** Layer 3 MTU: for all protocols, then IPv4, IPv6, MPLS; 0 means "as the first". */
export const setMtu = request("sw_interface_set_mtu", "5cbe85e5", { sw_if_index: u32, mtu: times(4, u32) }, plain)

export const tagAddDel = request(
  "sw_interface_tag_add_del",
  "426f8bc1",
  { is_add: bool, sw_if_index: u32, tag: text(64) },
  plain
)

export const addDelAddress = request(
  "sw_interface_add_del_address",
  "5463d73b",
  { sw_if_index: u32, is_add: bool, del_all: bool, prefix },
  plain
)

/** Index 0 means all, like ~0. The filter is a substring, in any case. */
export const interfaceDump = dump(
  "sw_interface_dump",
  "aa610c27",
  { sw_if_index: u32, name_filter_valid: bool, name_filter: trailingText },
  reply("6c221fc7", {
    sw_if_index: u32,
    sup_sw_if_index: u32,
    l2_address: mac,
    flags: u32,
    type: u32,
    link_duplex: u32,
    link_speed: u32,
    link_mtu: u16,
    mtu: times(4, u32),
    sub_id: u32,
    sub_number_of_tags: u8,
    sub_outer_vlan_id: u16,
    sub_inner_vlan_id: u16,
    sub_if_flags: u32,
    vtr_op: u32,
    vtr_push_dot1q: u32,
    vtr_tag1: u32,
    vtr_tag2: u32,
    outer_tag: u16,
    b_dmac: mac,
    b_smac: mac,
    b_vlanid: u16,
    i_sid: u32,
    interface_name: text(64),
    interface_dev_type: text(64),
    tag: text(64)
  })
)

/** One message a receive queue: none of an interface that is not connected. ~0 means all. */
export const rxPlacementDump = dump(
  "sw_interface_rx_placement_dump",
  "f9e6675e",
  { sw_if_index: u32 },
  {
    ...reply("9e44a7ce", {
      sw_if_index: u32,
      queue_id: u32,
      worker_id: u32,
      mode: u32
    }),
    headedAsRequest: true
  }
)

/** What VPP receives on an interface, and what it sends. */
export const spanDisabled = 0
export const spanReceived = 1
export const spanSent = 2

const spanFields = { sw_if_index_from: u32, sw_if_index_to: u32, state: u32, is_l2: bool }

/** `is_l2`: between bridge domain and interface, else at the interface itself. */
export const spanEnableDisable = request("sw_interface_span_enable_disable", "23ddd96b", spanFields, plain)

export const spanDump = dump("sw_interface_span_dump", "d6cf0c3d", { is_l2: bool }, reply("8a20e79f", spanFields))
