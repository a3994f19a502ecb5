/** Shared-memory interfaces and the sockets on which their ends connect. VPP: src/plugins/memif/memif.api. */
import { mac } from "../wire/Address.ts"
import { as, bool, type Field, i32, SchemaMismatch, text, trailingText, u8, u16, u32 } from "../wire/Field.ts"
import { dump, reply, request } from "../wire/Message.ts"
import { indexReply, plainReply } from "./Control.ts"

const one =
  <N extends string>(what: string, names: ReadonlyArray<N>) =>
  (value: number): N => {
    const name = names[value]
    if (name === undefined) throw new SchemaMismatch(`${what} is ${value}`)
    return name
  }

const roles = ["master", "slave"] as const
const role: Field<(typeof roles)[number]> = as(u32, one("role", roles), (name) => roles.indexOf(name))

/** VPP crashes on any other mode, `inject-punt` (2) included: this field cannot encode one. */
const modes = ["ethernet", "ip"] as const
const mode: Field<(typeof modes)[number]> = as(u32, one("mode", modes), (name) => modes.indexOf(name))
/** The mode that VPP reports; interfaces of others may have another one. */
const anyMode = as(
  u32,
  (value): string => modes[value] ?? `mode ${value}`,
  (name) => (name === "ethernet" ? 0 : name === "ip" ? 1 : Number(name.replace("mode ", "")))
)

export const socketFilenameAddDelV2 = request(
  "memif_socket_filename_add_del_v2",
  "34223bdf",
  { is_add: bool, socket_id: u32, socket_filename: trailingText },
  reply("memif_socket_filename_add_del_v2_reply", "9f29bdb9", { retval: i32, socket_id: u32 }, "memif"),
  "memif"
)

/** Until 23.02. */
export const socketFilenameAddDel = request(
  "memif_socket_filename_add_del",
  "a2ce1a10",
  { is_add: bool, socket_id: u32, socket_filename: text(108) },
  plainReply("memif_socket_filename_add_del", "memif"),
  "memif"
)

export const socketFilenameDump = dump(
  "memif_socket_filename_dump",
  "51077d14",
  {},
  reply("memif_socket_filename_details", "7ff326f7", { socket_id: u32, socket_filename: text(108) }, "memif"),
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

export const createV2 = request(
  "memif_create_v2",
  "8c7de5f7",
  { ...beforeDma, use_dma: bool, ...afterDma },
  indexReply("memif_create_v2", "memif"),
  "memif"
)

/** Until 23.02. */
export const create = request(
  "memif_create",
  "b1b25061",
  { ...beforeDma, ...afterDma },
  indexReply("memif_create", "memif"),
  "memif"
)

export const remove = request(
  "memif_delete",
  "f9e6675e",
  { sw_if_index: u32 },
  plainReply("memif_delete", "memif"),
  "memif"
)

export const memifDump = dump(
  "memif_dump",
  "51077d14",
  {},
  reply(
    "memif_details",
    "da34feb9",
    {
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
    },
    "memif"
  ),
  "memif"
)
