/** Reads a pcapng file back, by the draft and not by our writer. */
interface Block {
  readonly type: number
  readonly body: Buffer
  readonly options: ReadonlyMap<number, Buffer>
}

/** Where the options of a block begin: after its fixed part, and a packet's bytes. */
const fixed = (type: number, body: Buffer): number => {
  if (type === 6) return 20 + 4 * Math.ceil(body.readUInt32LE(12) / 4)
  return type === 1 ? 8 : type === 5 ? 12 : 16
}

export const blocks = (bytes: Buffer): ReadonlyArray<Block> => {
  const found: Array<Block> = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4)
    if (bytes.readUInt32LE(at + length - 4) !== length) throw new Error(`the lengths of the block at ${at} differ`)
    const type = bytes.readUInt32LE(at)
    const body = bytes.subarray(at + 8, at + length - 4)
    const options = new Map<number, Buffer>()
    for (let option = fixed(type, body); option < body.length; ) {
      const code = body.readUInt16LE(option)
      const size = body.readUInt16LE(option + 2)
      if (code !== 0) options.set(code, body.subarray(option + 4, option + 4 + size))
      option += 4 + 4 * Math.ceil(size / 4)
    }
    found.push({ type, body, options })
    at += length
  }
  return found
}

interface Read {
  readonly direction: "inbound" | "outbound" | "unknown"
  readonly frame: Buffer
}

const directions = ["unknown", "inbound", "outbound"] as const

export const packets = (bytes: Buffer): ReadonlyArray<Read> =>
  blocks(bytes)
    .filter(({ type }) => type === 6)
    .map(({ body, options }) => ({
      direction: directions[(options.get(2)?.readUInt32LE(0) ?? 0) & 3] ?? "unknown",
      frame: body.subarray(20, 20 + body.readUInt32LE(12))
    }))
