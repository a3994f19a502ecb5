/**
 * The 16 bytes before every message of VPP's binary API on a unix socket: 8 that only VPP understands, the length of the
 * message, 4 more of VPP's own. Pure: bytes in, messages out, split anywhere. VPP: src/vlibmemory/socket_api.h, msgbuf_t.
 */
import * as Result from "effect/Result"
import { append } from "../../platform/text/Pieces.ts"

const headerSize = 16
const lengthAt = 8

/** The message table of a VPP with every plugin has half a megabyte; nothing that we ask for is longer. */
export const messageLimit = 4 * 1024 * 1024

export const frame = (message: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(headerSize + message.length)
  bytes.writeUInt32BE(message.length, lengthAt)
  bytes.set(message, headerSize)
  return bytes
}

/** The peer announced a message that cannot be one. What follows on this connection has no meaning. */
export interface BadFrame {
  readonly announced: number
  readonly limit: number
}

export interface Splitter {
  /** Takes the next bytes, gives the messages that are whole now. After a failure it is of no use any more. */
  readonly push: (chunk: Uint8Array) => Result.Result<ReadonlyArray<Buffer>, BadFrame>
}

export const splitter = (limit: number = messageLimit): Splitter => {
  /** Nothing large is joined before a message is whole, so that a long one is copied once. */
  let chunks: ReadonlyArray<Uint8Array> = []
  let size = 0
  /** Of the frame that is awaited; its header alone as long as that is not whole. */
  let wanted = headerSize

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
