/** Messages about the connection and about VPP as a whole. VPP: src/vlibmemory/memclnt.api, src/vpp/api/vpe.api. */
import { type Field, i32, SchemaMismatch, text, trailingText, u32 } from "./Field.ts"
import { reply, request } from "./Message.ts"

/** One row of the message table: a u16 number and 64 bytes `name_crc`. */
export const tableRow = 66

/** The raw table; `Session.ts` searches it. Decoding its rows would cost more than everything else together. */
const messageTable: Field<Buffer> = {
  layout: {
    of: [
      ["index", "u16"],
      ["name", "string[64]"]
    ],
    countName: "count",
    countLayout: "u16"
  },
  write: (to, rows) => {
    const head = Buffer.alloc(2)
    head.writeUInt16BE(rows.length / tableRow)
    to.bytes = Buffer.concat([to.bytes.subarray(0, to.at), head, rows])
    to.at = to.bytes.length
  },
  read: (from) => {
    const bytes = from.bytes.subarray(from.at + 2)
    const size = (from.bytes.length < from.at + 2 ? 0 : from.bytes.readUInt16BE(from.at)) * tableRow
    if (size === 0 || bytes.length < size) throw new SchemaMismatch(`ends inside message_table`)
    from.at += 2 + size
    return bytes.subarray(0, size)
  }
}

/**
 * The only message with a fixed number: 15, and 16 for its reply, in every release, because they are in the first
 * definition file. Its header differs: the request has no client index, and the reply has one before the context.
 */
export const sockclntCreateId = 15
export const sockclntCreateReplyId = 16

export const sockclntCreate = request(
  "sockclnt_create",
  "455fb9c4",
  { name: text(64) },
  reply("35166268", { client_index: u32, context: u32, response: i32, index: u32, message_table: messageTable })
)

/** VPP replies with 1 and closes. */
export const sockclntDelete = request(
  "sockclnt_delete",
  "8ac76db6",
  { index: u32 },
  reply("8f38b1ee", { response: i32 })
)

export const controlPing = request(
  "control_ping",
  "51077d14",
  {},
  reply("f6b0b8ca", { retval: i32, client_index: u32, vpe_pid: u32 })
)

export const showVersion = request(
  "show_version",
  "51077d14",
  {},
  reply("c919bde1", {
    retval: i32,
    program: text(32),
    version: text(32),
    build_date: text(32),
    build_directory: text(256)
  })
)

/** A line of VPP's command line and what it prints: for what no message tells. `userspace doctor` sends `show` commands. */
export const cliInband = request(
  "cli_inband",
  "f8377302",
  { cmd: trailingText },
  reply("05879051", { retval: i32, reply: trailingText })
)

/** In any index field: none, or all. */
export const every = 0xffffffff
