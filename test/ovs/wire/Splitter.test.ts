import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Splitter from "../../../src/ovs/wire/Splitter.ts"

const pushAll = (chunks: ReadonlyArray<Uint8Array>, limit = 1 << 20) => {
  let splitter = Splitter.empty(limit)
  const texts: Array<string> = []
  for (const chunk of chunks) {
    const split = Splitter.push(splitter, chunk)
    if (Result.isFailure(split)) return split.failure
    splitter = split.success.splitter
    texts.push(...split.success.texts)
  }
  return texts
}

const bytes = (text: string) => Buffer.from(text)

/** Cuts at every position that a number of `cuts` gives. */
const cut = (whole: Buffer, cuts: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const places = [...new Set(cuts.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b)
  return [...places, whole.length].map((end, index) => whole.subarray(index === 0 ? 0 : places[index - 1], end))
}

const Message = Schema.Record(Schema.String, Schema.Json)
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 << 16 })))
const Spaces = Schema.Literals(["", " ", "\n", "\r\n\t "])

describe("Splitter", () => {
  it.prop(
    "splits the same messages wherever the stream is cut, with any white space between them",
    [Schema.Array(Message), Cuts, Spaces],
    ([messages, cuts, space]) => {
      const texts = messages.map((message) => JSON.stringify(message))
      assert.deepStrictEqual(pushAll(cut(bytes(texts.join(space) + space), cuts)), texts)
    }
  )

  it("keeps split characters whole, and quotes, backslashes and brackets in strings", () => {
    const text = '{"é€😀":"\\"}{][\\\\","a":[[],{}]}'
    const whole = bytes(text + text)
    for (let at = 0; at <= whole.length; at++) {
      assert.deepStrictEqual(pushAll([whole.subarray(0, at), whole.subarray(at)]), [text, text], `cut at ${at}`)
    }
    assert.deepStrictEqual(pushAll([...whole].map((byte) => Buffer.of(byte))), [text, text])
  })

  it("accepts a message of exactly the limit and refuses one byte more, in one piece or many", () => {
    const message = `{"a":"${"x".repeat(92)}"}`
    assert.lengthOf(message, 100)
    const tooLong = { _tag: "TooLong", limit: 100 } as const
    assert.deepStrictEqual(pushAll([bytes(message + message)], 100), [message, message])
    const longer = bytes(message.replace("x", "xx"))
    assert.deepStrictEqual(pushAll([longer], 100), tooLong)
    assert.deepStrictEqual(
      pushAll(
        [...longer].map((byte) => Buffer.of(byte)),
        100
      ),
      tooLong
    )
  })

  it("refuses an endless message as soon as it exceeds the limit", () => {
    assert.deepStrictEqual(pushAll([bytes(`{"a":"`), bytes("x".repeat(95))], 100), { _tag: "TooLong", limit: 100 })
  })

  it("refuses anything but JSON objects and arrays between messages", () => {
    for (const [text, byte] of [
      ["HTTP/1.1 400", 0x48],
      ["{}x", 0x78],
      ["{}}", 0x7d],
      ['"a"', 0x22],
      ["\0", 0]
    ] as const) {
      assert.deepStrictEqual(pushAll([bytes(text)]), { _tag: "NotJson", byte })
    }
  })

  it("refuses bytes that are not UTF-8", () => {
    assert.deepStrictEqual(pushAll([Buffer.concat([bytes('{"a":"'), Buffer.of(0xff), bytes('"}')])]), {
      _tag: "NotUtf8"
    })
  })
})
