/**
 * A capture file: the blocks of pcapng that a capture has. Pure: values in, bytes out. draft-ietf-opsawg-pcapng, sections 4.1
 * (section header), 4.2 (interface description), 4.3 (enhanced packet), 4.6 (interface statistics).
 */

/** As the pod sees it: `inbound` is what it receives. */
export type Direction = "inbound" | "outbound"

interface Packet {
  readonly frame: Uint8Array
  readonly direction: Direction
  /** Microseconds since 1970. */
  readonly micros: bigint
}

/** A number and what it holds. */
type Option = readonly [code: number, value: Uint8Array]

const sectionHeader = 0x0a0d0d0a
const interfaceDescription = 1
const enhancedPacket = 6
const interfaceStatistics = 5
const ethernet = 1

const u32 = (...values: ReadonlyArray<number>): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => void bytes.writeUInt32LE(value, 4 * index))
  return bytes
}

const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

const text = (value: string): Buffer => Buffer.from(value)

const padded = (bytes: Uint8Array): ReadonlyArray<Uint8Array> => [bytes, new Uint8Array((4 - (bytes.length % 4)) % 4)]

/** Section 3.5; the last is opt_endofopt. */
const options = (all: ReadonlyArray<Option>): ReadonlyArray<Uint8Array> =>
  all.length === 0
    ? []
    : [...all.flatMap(([code, value]) => [u32(code | (value.length << 16)), ...padded(value)]), u32(0)]

/** Section 3.1: the length stands at both ends. */
const block = (type: number, body: ReadonlyArray<Uint8Array>): Buffer => {
  const length = 12 + body.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([u32(type, length), ...body, u32(length)])
}

export interface About {
  /** shb_userappl. */
  readonly application: string
  /** if_name, if_description. */
  readonly name: string
  readonly description: string
  /** if_filter, as it was written. */
  readonly filter: string | undefined
}

/** What a file begins with. Its only interface is the pod's. */
export const header = ({ application, description, filter, name }: About): Buffer =>
  Buffer.concat([
    // Byte order, version 1.0, and a section of unknown length.
    block(sectionHeader, [u32(0x1a2b3c4d, 1, 0xffffffff, 0xffffffff), ...options([[4, text(application)]])]),
    block(interfaceDescription, [
      // No limit on the length of a packet.
      u32(ethernet, 0),
      ...options([
        [2, text(name)],
        [3, text(description)],
        // Microseconds.
        [9, Uint8Array.of(6)],
        ...(filter === undefined ? [] : [[11, Buffer.concat([Uint8Array.of(0), text(filter)])] as const])
      ])
    ])
  ])

/** epb_flags, bits 0 and 1: 01 is inbound, 10 outbound. */
const flags: { readonly [D in Direction]: number } = { inbound: 1, outbound: 2 }

const stamp = (micros: bigint): ReadonlyArray<number> => [Number(micros >> 32n), Number(micros & 0xffffffffn)]

export const packet = ({ direction, frame, micros }: Packet): Buffer =>
  block(enhancedPacket, [
    u32(0, ...stamp(micros), frame.length, frame.length),
    ...padded(frame),
    ...options([[2, u32(flags[direction])]])
  ])

interface Totals {
  readonly began: bigint
  readonly ended: bigint
  readonly received: number
  readonly dropped: number
}

/** The last of a file that was ended in order. */
export const statistics = ({ began, dropped, ended, received }: Totals): Buffer =>
  block(interfaceStatistics, [
    u32(0, ...stamp(ended)),
    ...options([
      [2, u32(...stamp(began))],
      [3, u32(...stamp(ended))],
      [4, u64(BigInt(received))],
      [5, u64(BigInt(dropped))]
    ])
  ])
