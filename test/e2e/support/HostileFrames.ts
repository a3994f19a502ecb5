/**
 * Frames of a hostile pod, from a seed: every length, type and combination of tags, payloads that are nearly right, and
 * random ones; as a pcap file, which testpmd and VPP's packet generator send.
 */
import { closeSync, openSync, writeSync } from "node:fs"

export interface Asked {
  readonly seed: number
  readonly count: number
  /** Addresses in use. */
  readonly macs: ReadonlyArray<string>
  /** Existing VLANs, which are used more often. */
  readonly vlans: ReadonlyArray<number>
}

/** The same numbers for the same seed. */
const numbers = (seed: number) => {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const below = (limit: number): number => next() % limit
  const oneOf = <A>(all: ReadonlyArray<A>, fallback: A): A => all[below(all.length)] ?? fallback
  return { next, below, oneOf }
}

type Numbers = ReturnType<typeof numbers>

const longest = 2000
const tpids = [0x8100, 0x8100, 0x8100, 0x88a8, 0x9100]
/** IP, ARP, VLANs, MPLS, PPPoE, LLDP, LACP, MACsec, PTP, CFM, loopback, NSH, TRILL, FCoE, PBB, and lengths of IEEE 802.3. */
const types = [
  ...[0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x0806, 0x8035, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, 0x8863],
  ...[0x8864, 0x88cc, 0x8809, 0x88e5, 0x88f7, 0x8902, 0x9000, 0x894f, 0x22f3, 0x8906, 0x88e7, 0x88b5, 0xffff],
  ...[0x0000, 0x0001, 0x0026, 0x0040, 0x05dc, 0x0600]
]
/** What follows the type, and has crashed a switch. */
const words = [0xb000, 0xa000, 0xffff, 0x1000, 0x0fff, 0x8000, 0xf000]
const protocols = [1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 89, 103, 112, 115, 132, 137, 0, 43, 44, 60, 255]

const macOf = (text: string): Buffer => Buffer.from(text.replaceAll(":", ""), "hex")

const lengthOf = ({ below }: Numbers): number => {
  const kind = below(20)
  if (kind < 8) return 14 + below(51)
  if (kind < 16) return 60 + below(240)
  return kind < 19 ? 300 + below(1219) : 1519 + below(longest - 1518)
}

const special = [
  "ffffffffffff",
  "0180c2000000",
  "0180c2000003",
  "0180c200000e",
  "01005e000001",
  "333300000001",
  "01000ccccccc"
]

const target = (
  { below, next, oneOf }: Numbers,
  frame: Buffer,
  at: number,
  macs: ReadonlyArray<Buffer>,
  source: boolean
) => {
  const kind = below(8)
  if (kind < 3) return void (macs[below(macs.length)] ?? frame).copy(frame, at, 0, 6)
  if (kind < 5 && !source) return void Buffer.from(oneOf(special, ""), "hex").copy(frame, at)
  frame.writeUInt32BE(next(), at)
  frame.writeUInt16BE(next() & 0xffff, at + 4)
  // One in ten random ones is a group address, which is invalid as a source.
  if (source && below(10) > 0) frame[at] = ((frame[at] ?? 0) & 0xfe) | 2
}

/** Up to four tags, with every VLAN in turn. Returns the offset of the type. */
const tags = ({ below, oneOf }: Numbers, frame: Buffer, n: number, vlans: ReadonlyArray<number>): number => {
  const kind = below(20)
  const count = kind < 8 ? 0 : kind < 15 ? 1 : kind < 18 ? 2 : kind < 19 ? 3 : 4
  let at = 12
  for (let tag = 0; tag < count && at + 6 <= frame.length; tag++) {
    frame.writeUInt16BE(oneOf(tpids, 0x8100), at)
    const any = tag === 0 ? n & 0xfff : below(4096)
    const kind = below(10)
    const vlan = kind < 2 ? 0 : kind < 5 ? oneOf(vlans, any) : any
    frame.writeUInt16BE((below(16) << 12) | vlan, at + 2)
    at += 4
  }
  return at
}

/** A header that is at most nearly right. */
const shape = ({ below, next, oneOf }: Numbers, payload: Buffer, type: number) => {
  if (payload.length < 2) return
  if (below(10) === 0) return void payload.writeUInt16BE(oneOf(words, 0xffff), 0)
  if (payload.length < 24 || below(4) === 0) return
  if (type === 0x0800) {
    payload[0] = below(8) === 0 ? next() & 0xff : 0x40 | (below(3) === 0 ? below(16) : 5)
    if (below(2) === 0) payload.writeUInt16BE(payload.length, 2)
    if (below(3) > 0) payload.writeUInt16BE(below(2) === 0 ? 0 : 0x2000 | below(0x1fff), 6)
    payload[9] = oneOf(protocols, 17)
    if (below(2) === 0) payload.writeUInt16BE(checksum(payload), 10)
  }
  if (type === 0x86dd && payload.length >= 44) {
    payload[0] = 0x60 | below(16)
    if (below(2) === 0) payload.writeUInt16BE(payload.length - 40, 4)
    payload[6] = oneOf(protocols, 58)
    if (below(2) === 0) payload[40] = oneOf(protocols, 58)
  }
  if (type === 0x0806) {
    payload.writeUInt32BE(0x00010800, 0)
    payload.writeUInt16BE(below(2) === 0 ? 0x0604 : next() & 0xffff, 4)
    payload.writeUInt16BE(below(10), 6)
  }
}

const checksum = (header: Buffer): number => {
  header.writeUInt16BE(0, 10)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** Each has its own memory. */
export const frames = function* ({ count, macs, seed, vlans }: Asked): Generator<Buffer> {
  const random = numbers(seed)
  const known = macs.map(macOf)
  const noise = Buffer.alloc(1 << 16)
  for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE(random.next(), at)
  for (let n = 0; n < count; n++) {
    const frame = Buffer.alloc(lengthOf(random))
    noise.copy(frame, 0, random.below(noise.length - longest))
    target(random, frame, 0, known, false)
    target(random, frame, 6, known, true)
    const at = tags(random, frame, n, vlans)
    if (at + 2 <= frame.length) {
      const type = random.below(4) === 0 ? random.next() & 0xffff : random.oneOf(types, 0x0800)
      frame.writeUInt16BE(type, at)
      shape(random, frame.subarray(at + 2), type)
    }
    yield frame
  }
}

/** libpcap's file format for Ethernet, in microseconds. */
export const writePcap = (path: string, all: Iterable<Buffer>): void => {
  const file = openSync(path, "w")
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65535, 16)
  head.writeUInt32LE(1, 20)
  let parts: Array<Buffer> = [head]
  for (const frame of all) {
    const before = Buffer.alloc(16)
    before.writeUInt32LE(frame.length, 8)
    before.writeUInt32LE(frame.length, 12)
    parts.push(before, frame)
    if (parts.length < 8192) continue
    writeSync(file, Buffer.concat(parts))
    parts = []
  }
  writeSync(file, Buffer.concat(parts))
  closeSync(file)
}

/** The frames of such a file. */
export const readPcap = (bytes: Buffer): ReadonlyArray<Buffer> => {
  const all: Array<Buffer> = []
  for (let at = 24; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8)
    all.push(bytes.subarray(at + 16, at + 16 + length))
    at += 16 + length
  }
  return all
}
