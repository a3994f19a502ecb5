/**
 * Parses the agent's response: `100 Continue`, then `200` with a body in chunks, one JSON document on each line. It
 * accepts only the part of HTTP/1.1 that the agent uses (RFC 9112, sections 4 and 7.1); anything else ends the
 * response. Pure.
 */

/** `continue`: accepted. `line`: of the answer's body. `end`: of the body, or of what can be read; nothing follows. */
export type Event = { readonly is: "continue" | "end" } | { readonly is: "line"; readonly text: string }

/** Limit of a line: an answer is as long as its document. */
const longest = 64 << 20
const lineFeed = 0x0a

export const make = () => {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let text: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let step: "head" | "chunks" | "over" = "head"

  const over = (): ReadonlyArray<Event> => {
    step = "over"
    return [{ is: "end" }]
  }

  /** Undefined: incomplete. */
  const head = (): ReadonlyArray<Event> | undefined => {
    const end = rest.indexOf("\r\n\r\n")
    if (end < 0) return rest.length > 1 << 16 ? over() : undefined
    const [first = "", ...fields] = rest.subarray(0, end).toString("latin1").split("\r\n")
    rest = rest.subarray(end + 4)
    const [, status] = /^HTTP\/1\.1 (\d{3})\b/.exec(first) ?? []
    if (status === "100") return [{ is: "continue" }]
    if (status !== "200" || !fields.some((field) => /^transfer-encoding:\s*chunked$/i.test(field))) return over()
    step = "chunks"
    return []
  }

  const chunk = (): ReadonlyArray<Event> | undefined => {
    const end = rest.indexOf("\r\n")
    if (end < 0) return rest.length > 20 ? over() : undefined
    const written = rest.subarray(0, end).toString("latin1")
    const length = /^[0-9a-f]{1,8}$/i.test(written) ? Number.parseInt(written, 16) : 0
    if (length === 0 || length + text.length > longest) return over()
    if (rest.length < end + 2 + length + 2) return undefined
    text = Buffer.concat([text, rest.subarray(end + 2, end + 2 + length)])
    rest = rest.subarray(end + 2 + length + 2)
    return lines()
  }

  const lines = (): ReadonlyArray<Event> => {
    const events: Array<Event> = []
    for (let end = text.indexOf(lineFeed); end >= 0; end = text.indexOf(lineFeed)) {
      events.push({ is: "line", text: text.subarray(0, end).toString("utf8") })
      text = text.subarray(end + 1)
    }
    return events
  }

  return {
    push: (bytes: Uint8Array): ReadonlyArray<Event> => {
      const events: Array<Event> = []
      rest = Buffer.concat([rest, bytes])
      while (step !== "over") {
        const read = step === "head" ? head() : chunk()
        if (read === undefined) break
        events.push(...read)
      }
      return events
    }
  }
}
