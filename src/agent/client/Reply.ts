/**
 * Parses the agent's response: `100 Continue`, then `200` with a body in chunks, one JSON document on each line. It
 * accepts only the part of HTTP/1.1 that the agent uses (RFC 9112, sections 4 and 7.1); anything else ends the
 * response. Pure.
 */

/**
 * `continue`: accepted. `line`: of the answer's body, up to its `end`. `other`: anything else. Nothing is read after the last two.
 */
export type Event =
  | { readonly is: "continue" }
  | { readonly is: "line"; readonly text: string }
  | { readonly is: "end" }
  | { readonly is: "other"; readonly what: string }

export interface Reader {
  readonly push: (bytes: Uint8Array) => ReadonlyArray<Event>
}

/** Limit of a line: an answer is as long as its document. */
const longest = 64 << 20
const lineFeed = 0x0a

export const make = (): Reader => {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let text: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let step: "head" | "chunks" | "over" = "head"

  const other = (what: string): Event => {
    step = "over"
    return { is: "other", what }
  }

  /** Undefined: incomplete. */
  const head = (): Event | "answer" | undefined => {
    const end = rest.indexOf("\r\n\r\n")
    if (end < 0) return rest.length > 1 << 16 ? other("a head without an end") : undefined
    const [first = "", ...fields] = rest.subarray(0, end).toString("latin1").split("\r\n")
    rest = rest.subarray(end + 4)
    const [, status] = /^HTTP\/1\.1 (\d{3})\b/.exec(first) ?? []
    if (status === "100") return { is: "continue" }
    if (status !== "200") return other(first.slice(0, 100))
    if (!fields.some((field) => /^transfer-encoding:\s*chunked$/i.test(field))) return other("an answer without chunks")
    step = "chunks"
    return "answer"
  }

  /** False: incomplete. */
  const chunk = (): boolean | Event => {
    const end = rest.indexOf("\r\n")
    if (end < 0) return rest.length > 20 ? other("a chunk without a length") : false
    const written = rest.subarray(0, end).toString("latin1")
    if (!/^[0-9a-f]{1,8}$/i.test(written)) return other("a chunk without a length")
    const length = Number.parseInt(written, 16)
    if (length === 0) {
      step = "over"
      return { is: "end" }
    }
    if (length + text.length > longest) return other("too much")
    if (rest.length < end + 2 + length + 2) return false
    text = Buffer.concat([text, rest.subarray(end + 2, end + 2 + length)])
    rest = rest.subarray(end + 2 + length + 2)
    return true
  }

  const lines = (events: Array<Event>) => {
    for (let end = text.indexOf(lineFeed); end >= 0; end = text.indexOf(lineFeed)) {
      events.push({ is: "line", text: text.subarray(0, end).toString("utf8") })
      text = text.subarray(end + 1)
    }
  }

  return {
    push: (bytes) => {
      const events: Array<Event> = []
      if (step === "over") return events
      rest = Buffer.concat([rest, bytes])
      while (step === "head") {
        const read = head()
        if (read === undefined) return events
        if (read !== "answer") events.push(read)
      }
      while (step === "chunks") {
        const read = chunk()
        lines(events)
        if (typeof read === "object") events.push(read)
        else if (!read) return events
      }
      return events
    }
  }
}
