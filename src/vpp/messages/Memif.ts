/** Shared-memory interfaces and the sockets on which their ends connect. VPP: src/plugins/memif/memif.api. */
import { mac } from "../wire/Address.ts"
import { as, bool, type Field, i32, SchemaMismatch, text, trailingText, u8, u16, u32 } from "../wire/Field.ts"
import { created, dump, plain, reply, request } from "../wire/Message.ts"

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

export const createV2 = request(
  "memif_create_v2",
  "8c7de5f7",
  { ...beforeDma, use_dma: bool, ...afterDma },
  created,
  "memif"
)

/** Until 23.02. */
export const create = request("memif_create", "b1b25061", { ...beforeDma, ...afterDma }, created, "memif")

export const remove = request("memif_delete", "f9e6675e", { sw_if_index: u32 }, plain, "memif")

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
