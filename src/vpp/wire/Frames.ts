/**
 * The header of 16 bytes before every message of VPP's binary API on a unix socket: 8 bytes internal to VPP, the length
 * of the message, 4 more internal bytes. Splits a byte stream, cut anywhere, into messages. Pure. VPP:
 * src/vlibmemory/socket_api.h, msgbuf_t.
 */
import * as Result from "effect/Result"
import { append } from "../../platform/text/Pieces.ts"

const headerSize = 16
const lengthAt = 8

/** The message table of a VPP with every plugin has half a megabyte; no other reply is longer. */
export const messageLimit = 4 * 1024 * 1024

export const frame = (message: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(headerSize + message.length)
  bytes.writeUInt32BE(message.length, lengthAt)
  bytes.set(message, headerSize)
  return bytes
}

/** The peer announced an impossible length. The rest of this connection cannot be parsed. */
interface BadFrame {
  readonly announced: number
  readonly limit: number
}

export const splitter = (limit: number = messageLimit) => {
  /** Large pieces are joined only when a message is complete, so that a long message is copied once. */
  let chunks: ReadonlyArray<Uint8Array> = []
  let size = 0
  /** Length of the awaited frame; of the header alone until that is complete. */
  let wanted = headerSize

  /** Takes the next bytes and returns the messages that are complete. It cannot be used after a failure. */
  const push = (chunk: Uint8Array): Result.Result<ReadonlyArray<Buffer>, BadFrame> => {
    chunks = append(chunks, chunk)
    size += chunk.length
    if (size < wanted) return Result.succeed([])

    const bytes = Buffer.concat(chunks)
    const messages: Array<Buffer> = []
    let at = 0
    wanted = headerSize
    while (bytes.length - at >= wanted) {
      const announced = bytes.readUInt32BE(at + lengthAt)
      // The shortest message is its number.
      if (announced < 2 || announced > limit) return Result.fail({ announced, limit })
      wanted = headerSize + announced
      if (bytes.length - at < wanted) break
      messages.push(bytes.subarray(at + headerSize, at + wanted))
      at += wanted
      wanted = headerSize
    }
    chunks = [bytes.subarray(at)]
    size = bytes.length - at
    return Result.succeed(messages)
  }
  return { push }
}
