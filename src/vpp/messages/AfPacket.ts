/** Interfaces on devices of the kernel. VPP: src/plugins/af_packet/af_packet.api. */
import { mac } from "../wire/Address.ts"
import { bool, text, u16, u32 } from "../wire/Field.ts"
import { created, plain, request } from "../wire/Message.ts"

export const ethernetMode = 1
/** Frames go to the device's driver, past the kernel's queueing. */
export const qdiscBypass = 1

const host_if_name = text(64)
const device = { hw_addr: mac, use_random_hw_addr: bool, host_if_name }

/** From 22.10. */
export const createV3 = request(
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

export const create = request("af_packet_create", "a190415f", device, created, "af_packet")

export const remove = request("af_packet_delete", "863fa648", { host_if_name }, plain, "af_packet")
