/**
 * Splits a byte stream into JSON texts. OVSDB has no framing: messages are objects, one after another, with or without
 * white space between (RFC 7047, section 4). Pure. It only counts brackets and strings, byte by byte: no byte of a
 * UTF-8 sequence looks like one of them, so a character may be split anywhere. The caller parses the texts.
 */
import * as Result from "effect/Result"
import { append } from "../../platform/text/Pieces.ts"

export interface Splitter {
  /** Pieces of the incomplete text, and their total length in bytes. */
  readonly begun: ReadonlyArray<Uint8Array>
  readonly length: number
  /** Open brackets at the end of `begun`. */
  readonly depth: number
  readonly inString: boolean
  readonly escaped: boolean
  /** Maximum length of one text in bytes. */
  readonly limit: number
}

interface Split {
  readonly splitter: Splitter
  readonly texts: ReadonlyArray<string>
}

/** Why the stream is invalid. The next message cannot be found after either. */
type SplitFailure =
  | { readonly _tag: "TooLong"; readonly limit: number }
  | { readonly _tag: "NotJson"; readonly byte: number }
  | { readonly _tag: "NotUtf8" }

export const empty = (limit: number): Splitter => ({
  begun: [],
  length: 0,
  depth: 0,
  inString: false,
  escaped: false,
  limit
})

const quote = 0x22
const backslash = 0x5c
const opens = (byte: number) => byte === 0x7b || byte === 0x5b
const closes = (byte: number) => byte === 0x7d || byte === 0x5d
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

export const push = (splitter: Splitter, chunk: Uint8Array): Result.Result<Split, SplitFailure> => {
  const texts: Array<string> = []
  let { begun, length, depth, inString, escaped } = splitter
  let start = 0
  const end = chunk.length
  for (let at = 0; at < end; at++) {
    let byte = chunk[at] ?? 0
    if (inString) {
      if (escaped) {
        escaped = false
        continue
      }
      // Most bytes of an answer are in strings.
      while (byte !== quote && byte !== backslash && ++at < end) byte = chunk[at] ?? 0
      escaped = byte === backslash
      inString = byte !== quote
    } else if (depth > 0 && byte === quote) inString = true
    else if (opens(byte)) {
      if (depth === 0) start = at
      depth++
    } else if (depth === 0) {
      if (!isSpace(byte)) return Result.fail({ _tag: "NotJson", byte })
    } else if (closes(byte) && --depth === 0) {
      length += at + 1 - start
      if (length > splitter.limit) return Result.fail({ _tag: "TooLong", limit: splitter.limit })
      const text = decoded([...begun, chunk.subarray(start, at + 1)])
      if (Result.isFailure(text)) return Result.fail(text.failure)
      texts.push(text.success)
      begun = []
      length = 0
    }
  }
  if (depth > 0) {
    length += chunk.length - start
    if (length > splitter.limit) return Result.fail({ _tag: "TooLong", limit: splitter.limit })
    begun = append(begun, chunk.subarray(start))
  }
  return Result.succeed({ splitter: { ...splitter, begun, length, depth, inString, escaped }, texts })
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

const decoded = (pieces: ReadonlyArray<Uint8Array>): Result.Result<string, SplitFailure> => {
  const [only] = pieces
  const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
  return Result.mapError(
    Result.try(() => utf8.decode(bytes)),
    () => ({ _tag: "NotUtf8" })
  )
}

export const inWords = (failure: SplitFailure): string => {
  switch (failure._tag) {
    case "TooLong":
      return `a message of more than ${failure.limit} bytes`
    case "NotJson":
      return `byte 0x${failure.byte.toString(16).padStart(2, "0")} between messages`
    case "NotUtf8":
      return "a message that is not UTF-8"
  }
}
