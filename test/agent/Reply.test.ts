/** The parser of the agent's answer in the process of a call, for pieces of any length. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Reply from "../../src/agent/client/Reply.ts"

const head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const whole = `HTTP/1.1 100 Continue\r\n\r\n${head}${chunk('{"log":"ü"}\n{"log":"b')}${chunk('"}\n')}${chunk('{"status":0}\n')}0\r\n\r\n`
const expected: ReadonlyArray<Reply.Event> = [
  { is: "continue" },
  { is: "line", text: '{"log":"ü"}' },
  { is: "line", text: '{"log":"b"}' },
  { is: "line", text: '{"status":0}' },
  { is: "end" }
]

const read = (...pieces: ReadonlyArray<Uint8Array | string>) => {
  const reader = Reply.make()
  return pieces.flatMap((piece) => reader.push(Buffer.from(piece)))
}

describe("the agent's answer", () => {
  it("is parsed the same in one piece and byte by byte", () => {
    assert.deepStrictEqual(read(whole), expected)
    assert.deepStrictEqual(read(...[...Buffer.from(whole)].map((byte) => Uint8Array.of(byte))), expected)
  })

  for (const [what, text] of [
    ["a refusal", "HTTP/1.1 409 Conflict\r\n\r\n"],
    ["another protocol", "220 mail.example\r\n\r\n"],
    ["an answer that is not in chunks", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"],
    ["a chunk without a length", `${head}zz\r\n`],
    ["a chunk that is too long", `${head}ffffffff\r\n`]
  ] as const) {
    it(`${what} ends it`, () => {
      const events = read(text, whole)
      assert.deepStrictEqual(events, [{ is: "end" }])
    })
  }

  it.prop("may be any bytes: parsing ends at the first unknown part", [Schema.Array(Schema.String)], ([pieces]) => {
    const ends = read(head, ...pieces).filter(({ is }) => is === "end")
    assert.isAtMost(ends.length, 1)
  })
})
