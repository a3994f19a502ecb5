/** vhost-user interfaces. VPP: src/plugins/vhost/vhost_user.api (before 23.10: src/vnet/devices/virtio). */
import { mac } from "../wire/Address.ts"
import { bool, i32, text, u32 } from "../wire/Field.ts"
import { created, dump, plain, reply, request } from "../wire/Message.ts"

export const create = request(
  "create_vhost_user_if_v2",
  "dba1cc1d",
  {
    is_server: bool,
    sock_filename: text(256),
    renumber: bool,
    disable_mrg_rxbuf: bool,
    disable_indirect_desc: bool,
    enable_gso: bool,
    enable_packed: bool,
    enable_event_idx: bool,
    custom_dev_instance: u32,
    use_custom_mac: bool,
    mac_address: mac,
    tag: text(64)
  },
  created,
  "vhost"
)

export const remove = request("delete_vhost_user_if", "f9e6675e", { sw_if_index: u32 }, plain, "vhost")

export const vhostUserDump = dump(
  "sw_interface_vhost_user_dump",
  "f9e6675e",
  { sw_if_index: u32 },
  reply("0cee1e53", {
    sw_if_index: u32,
    interface_name: text(64),
    virtio_net_hdr_sz: u32,
    features_first_32: u32,
    features_last_32: u32,
    is_server: bool,
    sock_filename: text(256),
    num_regions: u32,
    sock_errno: i32
  }),
  "vhost"
)
