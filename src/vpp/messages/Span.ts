/** Copies of an interface's packets on another interface. VPP: src/vnet/span/span.api. */
import { bool, u32 } from "../wire/Field.ts"
import { dump, plain, reply, request } from "../wire/Message.ts"

/** What VPP receives on an interface, and what it sends. */
export const disabled = 0
export const received = 1
export const sent = 2

const fields = { sw_if_index_from: u32, sw_if_index_to: u32, state: u32, is_l2: bool }

/** `is_l2`: between bridge domain and interface, else at the interface itself. */
export const enableDisable = request("sw_interface_span_enable_disable", "23ddd96b", fields, plain)

export const spanDump = dump("sw_interface_span_dump", "d6cf0c3d", { is_l2: bool }, reply("8a20e79f", fields))
