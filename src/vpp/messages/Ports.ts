/**
 * The interfaces that the plugin creates: memif, vhost-user, and for a capture one on a device of the kernel. VPP:
 * src/plugins/memif/memif.api; src/plugins/vhost/vhost_user.api (before 23.10: src/vnet/devices/virtio);
 * src/plugins/af_packet/af_packet.api.
 */
import { as, bool, type Field, i32, mac, SchemaMismatch, text, trailingText, u8, u16, u32 } from "./Field.ts"
import { created, dump, plain, reply, request } from "./Message.ts"

const oneOf = <const N extends string>(what: string, names: ReadonlyArray<N>): Field<N> =>
  as(
    u32,
    (value) => {
      const name = names[value]
      if (name === undefined) throw new SchemaMismatch(`${what} is ${value}`)
      return name
    },
    (name) => names.indexOf(name)
  )

const role = oneOf("role", ["master", "slave"])

/** VPP crashes on any other mode, `inject-punt` (2) included: this field cannot encode one. */
const mode = oneOf("mode", ["ethernet", "ip"])
/** The mode that VPP reports; interfaces of others may have another one. */
const anyMode = as(
  u32,
  (value) => ["ethernet", "ip"][value] ?? `mode ${value}`,
  (name) => (name === "ethernet" ? 0 : name === "ip" ? 1 : Number(name.replace("mode ", "")))
)

export const socketFilenameAddDelV2 = request(
  "memif_socket_filename_add_del_v2",
  "34223bdf",
  { is_add: bool, socket_id: u32, socket_filename: trailingText },
  reply("9f29bdb9", { retval: i32, socket_id: u32 }),
  "memif"
)

const socket_filename = text(108)

/** Until 23.02. */
export const socketFilenameAddDel = request(
  "memif_socket_filename_add_del",
  "a2ce1a10",
  { is_add: bool, socket_id: u32, socket_filename },
  plain,
  "memif"
)

export const socketFilenameDump = dump(
  "memif_socket_filename_dump",
  "51077d14",
  {},
  reply("7ff326f7", { socket_id: u32, socket_filename }),
  "memif"
)

const beforeDma = {
  role,
  mode,
  rx_queues: u8,
  tx_queues: u8,
  id: u32,
  socket_id: u32,
  ring_size: u32,
  buffer_size: u16,
  no_zero_copy: bool
}
const afterDma = { hw_addr: mac, secret: text(24) }

export const createMemifV2 = request(
  "memif_create_v2",
  "8c7de5f7",
  { ...beforeDma, use_dma: bool, ...afterDma },
  created,
  "memif"
)

/** Until 23.02. */
export const createMemif = request("memif_create", "b1b25061", { ...beforeDma, ...afterDma }, created, "memif")

export const removeMemif = request("memif_delete", "f9e6675e", { sw_if_index: u32 }, plain, "memif")

export const memifDump = dump(
  "memif_dump",
  "51077d14",
  {},
  reply("da34feb9", {
    sw_if_index: u32,
    hw_addr: mac,
    id: u32,
    role,
    mode: anyMode,
    zero_copy: bool,
    socket_id: u32,
    ring_size: u32,
    buffer_size: u16,
    flags: u32,
    if_name: text(64)
  }),
  "memif"
)

export const createVhostUser = request(
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

export const removeVhostUser = request("delete_vhost_user_if", "f9e6675e", { sw_if_index: u32 }, plain, "vhost")

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

export const ethernetMode = 1
/** Frames go to the device's driver, past the kernel's queueing. */
export const qdiscBypass = 1

const host_if_name = text(64)
const device = { hw_addr: mac, use_random_hw_addr: bool, host_if_name }

/** From 22.10. */
export const createHostInterfaceV3 = request(
  "af_packet_create_v3",
  "b3a809d4",
  {
    mode: u32,
    ...device,
    /** 0: VPP's own choice. */
    rx_frame_size: u32,
    tx_frame_size: u32,
    rx_frames_per_block: u32,
    tx_frames_per_block: u32,
    flags: u32,
    num_rx_queues: u16,
    num_tx_queues: u16
  },
  created,
  "af_packet"
)

export const createHostInterface = request("af_packet_create", "a190415f", device, created, "af_packet")

export const removeHostInterface = request("af_packet_delete", "863fa648", { host_if_name }, plain, "af_packet")
