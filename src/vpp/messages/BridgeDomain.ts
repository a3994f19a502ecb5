/** Layer 2: bridge domains, their members, and tag rewrites. VPP: src/vnet/l2/l2.api. */
import { bool, counted, i32, struct, text, u8, u32 } from "./Field.ts"
import { dump, plain, reply, request } from "./Message.ts"

const settings = {
  bd_id: u32,
  flood: bool,
  uu_flood: bool,
  forward: bool,
  learn: bool,
  arp_term: bool,
  arp_ufwd: bool,
  mac_age: u8,
  bd_tag: text(64)
}
const addDelFields = { ...settings, is_add: bool }

export const addDelV2 = request(
  "bridge_domain_add_del_v2",
  "600b7170",
  addDelFields,
  reply("fcb1e980", { retval: i32, bd_id: u32 })
)

/** Until 22.10. */
export const addDel = request("bridge_domain_add_del", "600b7170", addDelFields, plain)

/** Both fields must be set: 0 means none here, and any index but ~0 finds nothing. */
export const bridgeDomainDump = dump(
  "bridge_domain_dump",
  "74396a43",
  { bd_id: u32, sw_if_index: u32 },
  reply("0fa506fd", {
    ...settings,
    bvi_sw_if_index: u32,
    uu_fwd_sw_if_index: u32,
    sw_if_details: counted("n_sw_ifs", u32, struct({ context: u32, sw_if_index: u32, shg: u8 }))
  })
)

/** Creates a missing bridge domain, without a mark. */
export const setBridge = request(
  "sw_interface_set_l2_bridge",
  "d0678b13",
  { rx_sw_if_index: u32, bd_id: u32, port_type: u32, shg: u8, enable: bool },
  plain
)

/** The maximum number of learned MAC addresses; frames to others are flooded. */
export const setLearnLimit = request(
  "bridge_domain_set_learn_limit",
  "89c52b5f",
  { bd_id: u32, learn_limit: u32 },
  plain
)

/** `vtr_op` of {@link vlanTagRewrite}. VPP: src/vnet/l2/l2_vtr.h. */
export const noRewrite = 0
/** Pushes a tag on received frames and pops it from sent ones. No port of ours has it. */
export const pushOne = 1

export const vlanTagRewrite = request(
  "l2_interface_vlan_tag_rewrite",
  "62cc0bbc",
  { sw_if_index: u32, vtr_op: u32, push_dot1q: u32, tag1: u32, tag2: u32 },
  plain
)
