/**
 * Policers: a rate with a name, attached to an interface. VPP: src/vnet/policer/policer.api; since 26.06 a plugin,
 * src/plugins/policer. The messages by index, which exist since 23.06, are not needed.
 */
import { bool, i32, struct, text, u8, u32, u64 } from "./Field.ts"
import { dump, plain, reply, request } from "./Message.ts"

const action = struct({ type: u8, dscp: u8 })
export const drop = { type: 0, dscp: 0 }
export const transmit = { type: 1, dscp: 0 }

const name = text(64)

const rate = {
  /** In units of `rate_type`: 0 is kbit/s. */
  cir: u32,
  eir: u32,
  /** In bytes. */
  cb: u64,
  eb: u64,
  rate_type: u8,
  round_type: u8,
  type: u8
}

const actions = { conform_action: action, exceed_action: action, violate_action: action }

/** Until 23.02, every error is -1. */
export const addDel = request(
  "policer_add_del",
  "2b31dd38",
  { is_add: bool, name, ...rate, color_aware: bool, ...actions },
  reply("a177cef2", { retval: i32, policer_index: u32 })
)

const binding = { name, sw_if_index: u32, apply: bool }

export const input = request("policer_input", "233f0ef5", binding, plain)

/** Since 22.06. */
export const output = request("policer_output", "233f0ef5", binding, plain)

/** The details do not have the interface. */
export const policerDump = dump(
  "policer_dump",
  "35f1ae0f",
  { match_name_valid: bool, match_name: name },
  reply("72d0e248", {
    name,
    ...rate,
    ...actions,
    single_rate: bool,
    color_aware: bool,
    scale: u32,
    cir_tokens_per_period: u32,
    pir_tokens_per_period: u32,
    current_limit: u32,
    current_bucket: u32,
    extended_limit: u32,
    extended_bucket: u32,
    last_update_time: u64
  })
)

/**
 * Not sent. It exists since 26.06, as do policers for bridged traffic and for memif in mode ip, whose own messages did
 * not change. VPP: src/vnet/l2/l2.api.
 */
export const sinceLayer2 = { name: "l2_interface_feat_flags_get", crc: "f9e6675e", plugin: undefined } as const
