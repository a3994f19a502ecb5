/**
 * The OpenFlow messages that the plugin needs, as bytes. Pure. OpenFlow Switch Specification 1.3.5, section 7: every
 * bridge of Open vSwitch speaks 1.3 unless its `protocols` forbid it, and since 1.1 flows can be found by their cookie.
 */

export interface Message {
  readonly version: number
  readonly type: number
  readonly id: number
  readonly body: Buffer
}

export const Type = {
  Hello: 0,
  Error: 1,
  EchoRequest: 2,
  EchoReply: 3,
  FlowMod: 14,
  MultipartRequest: 18,
  MultipartReply: 19,
  BarrierRequest: 20,
  BarrierReply: 21
} as const

/** OpenFlow 1.3 on the wire. */
export const version = 4
/** OpenFlow 1.5 on the wire. */
const latest = 6
const headerLength = 8

export const encode = (type: number, id: number, body: Uint8Array = new Uint8Array(0)): Buffer => {
  const header = Buffer.alloc(headerLength)
  header.writeUInt8(version, 0)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(headerLength + body.length, 2)
  header.writeUInt32BE(id, 4)
  return Buffer.concat([header, body])
}

/** Returns the complete messages at the front of `bytes`, and the rest. Undefined: the bytes are not OpenFlow. */
export const split = (
  bytes: Buffer
): { readonly messages: ReadonlyArray<Message>; readonly rest: Buffer } | undefined => {
  const messages: Array<Message> = []
  let rest = bytes
  while (rest.length >= headerLength) {
    const length = rest.readUInt16BE(2)
    if (length < headerLength || rest.readUInt8(0) > latest) return undefined
    if (rest.length < length) break
    messages.push({
      version: rest.readUInt8(0),
      type: rest.readUInt8(1),
      id: rest.readUInt32BE(4),
      body: rest.subarray(headerLength, length)
    })
    rest = rest.subarray(length)
  }
  return { messages, rest }
}

/** A version bitmap with 1.3 alone: the peer then uses 1.3, or returns an error (7.5.1). */
export const hello = Buffer.from([0, 1, 0, 8, 0, 0, 0, 1 << version])

const any = 0xffffffff
const allTables = 0xff
const exactly = 0xffffffffffffffffn

/**
 * `cookie=..., priority=1, in_port=..., actions=NORMAL` (7.3.4.1). It has precedence over a table-miss rule of priority 0.
 */
export const learnFrom = (port: number, cookie: bigint): Buffer => {
  const actions = Buffer.alloc(24)
  actions.writeUInt16BE(4, 0) // OFPIT_APPLY_ACTIONS
  actions.writeUInt16BE(24, 2)
  actions.writeUInt16BE(0, 8) // OFPAT_OUTPUT
  actions.writeUInt16BE(16, 10)
  actions.writeUInt32BE(0xfffffffa, 12) // OFPP_NORMAL
  return Buffer.concat([flowMod({ command: 0, cookie, mask: 0n, priority: 1, table: 0 }), inPort(port), actions])
}

/** Deletes the flows with this cookie, with any match, and no others. */
export const forget = (cookie: bigint): Buffer =>
  Buffer.concat([flowMod({ command: 3, cookie, mask: exactly, priority: 0x8000, table: allTables }), anything])

/** Asks how many flows have this cookie (7.3.5.3). */
export const count = (cookie: bigint): Buffer => {
  const head = Buffer.alloc(40)
  head.writeUInt16BE(2, 0) // OFPMP_AGGREGATE
  head.writeUInt8(allTables, 8)
  head.writeUInt32BE(any, 12)
  head.writeUInt32BE(any, 16)
  head.writeBigUInt64BE(cookie, 24)
  head.writeBigUInt64BE(exactly, 32)
  return Buffer.concat([head, anything])
}

export const counted = ({ body, type }: Message): number | undefined =>
  type === Type.MultipartReply && body.length >= 28 && body.readUInt16BE(0) === 2 ? body.readUInt32BE(24) : undefined

const flowMod = (flow: {
  readonly command: number
  readonly cookie: bigint
  readonly mask: bigint
  readonly priority: number
  readonly table: number
}): Buffer => {
  const head = Buffer.alloc(40)
  head.writeBigUInt64BE(flow.cookie, 0)
  head.writeBigUInt64BE(flow.mask, 8)
  head.writeUInt8(flow.table, 16)
  head.writeUInt8(flow.command, 17)
  head.writeUInt16BE(flow.priority, 22)
  head.writeUInt32BE(any, 24)
  head.writeUInt32BE(any, 28)
  head.writeUInt32BE(any, 32)
  return head
}

/** OXM matches (7.2.2), padded to a multiple of 8. */
const anything = Buffer.from([0, 1, 0, 4, 0, 0, 0, 0])
const inPort = (port: number): Buffer => {
  const match = Buffer.from([0, 1, 0, 12, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0])
  match.writeUInt32BE(port, 8)
  return match
}
