/**
 * The message table of a VPP: message numbers, which differ with release and plugins, by name and CRC. It is searched
 * as raw bytes, because a few look-ups are cheaper than decoding thousands of rows. Pure.
 */

import { tableRow } from "../messages/Control.ts"
import * as Message from "../wire/Message.ts"
import { MessageChanged, MessageMissing, PluginNotLoaded } from "../wire/VppError.ts"

export type Wanted = Pick<Message.Message<unknown>, "name" | "crc" | "plugin">

export type Verdict =
  | { readonly _tag: "Offered"; readonly id: number }
  | MessageMissing
  | MessageChanged
  | PluginNotLoaded

/** A message that the plugin has had in every release: without it, the plugin is not loaded. */
const sign: { readonly [P in Message.Plugin]: string } = {
  af_packet: "af_packet_delete_",
  memif: "memif_dump_",
  vhost: "delete_vhost_user_if_"
}

export const messageTable = (rows: Buffer): ((wanted: Wanted) => Verdict) => {
  /** Returns the offset in `rows` of a row whose name begins with `start`. */
  const find = (start: string, from = 0): number | undefined => {
    const at = rows.indexOf(start, from, "latin1")
    if (at === -1) return undefined
    return at % tableRow === 2 ? at - 2 : find(start, at + 1)
  }
  const nameAt = (row: number): string => {
    const end = rows.indexOf(0, row + 2)
    return rows.toString("latin1", row + 2, end === -1 ? row + tableRow : Math.min(end, row + tableRow))
  }

  /** Returns the CRC of a message with any CRC. */
  const crcOf = (name: string, from = 0): string | undefined => {
    const row = find(`${name}_`, from)
    if (row === undefined) return undefined
    const crc = nameAt(row).slice(name.length + 1)
    // Excludes `memif_create_v2_...` when `memif_create` is searched.
    return /^[0-9a-f]{8}$/.test(crc) ? crc : crcOf(name, row + tableRow)
  }

  const verdict = (wanted: Wanted): Verdict => {
    const row = find(`${Message.nameCrc(wanted)}\0`)
    if (row !== undefined) return { _tag: "Offered", id: rows.readUInt16BE(row) }
    const offered = crcOf(wanted.name)
    const { crc, name, plugin } = wanted
    if (offered !== undefined) return new MessageChanged({ name, wanted: crc, offered })
    if (plugin !== undefined && find(sign[plugin]) === undefined) return new PluginNotLoaded({ plugin, name })
    return new MessageMissing({ name })
  }

  const known = new Map<string, Verdict>()
  return (wanted) => {
    const key = Message.nameCrc(wanted)
    const found = known.get(key) ?? verdict(wanted)
    known.set(key, found)
    return found
  }
}
