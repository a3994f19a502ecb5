/** Replies of a real ovsdb-server (fixtures/README.md), decoded as by the client; and streams, cut anywhere. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as OvsdbMessages from "../../../src/ovs/client/OvsdbMessages.ts"
import { integer, type Operation, optional, text } from "../../../src/ovs/client/OvsdbMessages.ts"
import { Bridge, select, table } from "../../../src/ovs/client/Transactions.ts"

const lines = (name: string) =>
  readFileSync(`${import.meta.dirname}/../fixtures/${name}`, "utf8")
    .split("\n")
    .filter((line) => line !== "")

const Exchange = Schema.fromJsonString(
  Schema.Struct({
    what: Schema.String,
    request: Schema.Struct({ params: Schema.Array(Schema.Json) }),
    reply: Schema.Json
  })
)

/** Only the number of operations matters to a reply. */
const operations = (count: number): ReadonlyArray<Operation> =>
  Array.from({ length: count }, () => ({ op: "comment", comment: "" }))

const judged = (count: number, reply: unknown) =>
  Result.flatMap(
    Result.flatMap(OvsdbMessages.decode(JSON.stringify(reply)), OvsdbMessages.answer),
    (result): Result.Result<unknown, unknown> => OvsdbMessages.judge(operations(count), result)
  )

const expected: Readonly<Record<string, readonly [at: number | "commit" | "call", error: string, details: string]>> = {
  "a wait that timed out": [0, "timed out", '"wait" timed out after 301 ms'],
  "a precondition that did not hold": [0, "timed out", '"where" clause test failed'],
  "a name taken, found at commit": ["commit", "constraint violation", "Transaction causes multiple rows"],
  "an unknown column": [0, "unknown column", "No column nam in table Interface."],
  "a value of the wrong type": [0, "syntax error", "expected string"],
  "a value out of range": [0, "constraint violation", "0 is not in the valid range 1 to 65279 (inclusive)"],
  "an immutable column": [0, "constraint violation", "Cannot update immutable column name in table Bridge."],
  "an unknown table": [0, "syntax error", "No table named Nope."],
  "an unknown database": ["call", "unknown database", "transact request specifies unknown database NoDb"],
  "an unknown method": ["call", "unknown method", ""],
  "a port with an interface that is not there": ["commit", "referential integrity violation", "Table Port column"],
  "an abort": [1, "aborted", "aborted by request"],
  "an assertion of a lock that nobody holds": [0, "not owner", "Asserted lock foo not held."]
}

describe("Reply", () => {
  const recorded = lines("errors.jsonl").map((line) => Schema.decodeUnknownSync(Exchange)(line))
  it("has a recording of every place of an error", () => {
    assert.deepStrictEqual(recorded.map(({ what }) => what).sort(), Object.keys(expected).sort())
  })
  for (const { reply, request, what } of recorded) {
    it(`finds the error of ${what}`, () => {
      const failure = Result.getOrThrow(Result.flip(judged(request.params.length - 1, reply)))
      const [at, error, details] = expected[what] ?? assert.fail("not expected")
      const shown = Schema.decodeUnknownSync(
        Schema.Struct({ _tag: Schema.String, at: Schema.Json, error: Schema.String, details: Schema.String })
      )(failure)
      assert.deepStrictEqual([shown._tag, shown.at, shown.error], ["Rejected", at, error])
      assert.include(shown.details, details)
    })
  }

  it("refuses a result that does not match the operations", () => {
    for (const result of [null, "text", {}, [], [{}, {}, {}], [{}, 7], [{}, null]]) {
      const failure = Result.getOrThrow(Result.flip(OvsdbMessages.judge(operations(2), result)))
      assert.strictEqual(failure._tag, "Malformed", JSON.stringify(result))
    }
  })

  it("refuses a result of another kind than its operation", () => {
    const asked: ReadonlyArray<Operation> = [
      select(Bridge, []),
      { op: "insert", table: "Bridge", row: {} },
      { op: "mutate", table: "Bridge", where: [], mutations: [] }
    ]
    for (const [index, operation] of asked.entries()) {
      const good = [{ rows: [] }, { uuid: ["uuid", "1"] }, { count: 1 }, { rows: {}, uuid: "1", count: "1" }]
      for (const [other, result] of good.entries()) {
        assert.strictEqual(Result.isSuccess(OvsdbMessages.judge([operation], [result])), other === index, operation.op)
      }
    }
  })

  it("refuses rows without the requested columns", () => {
    const results = Result.getOrThrow(OvsdbMessages.judge([select(Bridge, [])], [{ rows: [{ name: "br0" }] }]))
    const failure = Result.getOrThrow(Result.flip(OvsdbMessages.rows(Bridge.read, results, 0)))
    assert.strictEqual(
      failure.detail,
      "rows of operation 0: " +
        "column _uuid is not a UUID, column datapath_type is not a string, " +
        "column datapath_id is not a string or an empty set, column fail_mode is not a string or an empty set, " +
        "column external_ids is not a map from string to string"
    )
  })

  it("reads the replies of a switch without DPDK", () => {
    const Recorded = Schema.fromJsonString(
      Schema.Struct({ dir: Schema.String, msg: Schema.Struct({ result: Schema.optionalKey(Schema.Json) }) })
    )
    const wanted = table("Interface", (column) => ({
      name: column("name", text),
      ofport: column("ofport", optional(integer)),
      error: column("error", optional(text))
    }))
    const rows = lines("dpdk-off.jsonl")
      .map((line) => Schema.decodeUnknownSync(Recorded)(line))
      .filter(({ dir }) => dir === "recv")
      .flatMap(({ msg: { result } }) => {
        const results = Result.getOrThrow(
          OvsdbMessages.judge(operations(Array.isArray(result) ? result.length : 0), result)
        )
        return Result.getOrElse(OvsdbMessages.rows(wanted.read, results, 0), () => [])
      })
    const unknown = (name: string) => `could not open network device ${name} (Address family not supported by protocol)`
    assert.deepStrictEqual(rows, [
      { name: "bj0", ofport: 65534, error: undefined },
      { name: "p0", ofport: -1, error: unknown("p0") },
      { name: "p1", ofport: -1, error: unknown("p1") },
      { name: "bsys", ofport: undefined, error: undefined },
      { name: "bbad", ofport: undefined, error: undefined }
    ])
  })
})

const pushAll = (chunks: ReadonlyArray<Uint8Array>, limit = 1 << 20) => {
  let splitter = OvsdbMessages.newSplitter(limit)
  const texts: Array<string> = []
  for (const chunk of chunks) {
    const split = OvsdbMessages.split(splitter, chunk)
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
