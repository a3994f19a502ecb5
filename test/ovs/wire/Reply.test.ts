/** Replies of a real ovsdb-server (fixtures/README.md), decoded as by the client. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Bridge, table } from "../../../src/ovs/client/Tables.ts"
import { select } from "../../../src/ovs/client/Transactions.ts"
import { integer, type Operation, optional, text } from "../../../src/ovs/wire/Notation.ts"
import * as Reply from "../../../src/ovs/wire/Reply.ts"

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
    Result.flatMap(Reply.decode(JSON.stringify(reply)), Reply.answer),
    (result): Result.Result<unknown, unknown> => Reply.judge(operations(count), result)
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
      const failure = Result.getOrThrow(Result.flip(Reply.judge(operations(2), result)))
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
        assert.strictEqual(Result.isSuccess(Reply.judge([operation], [result])), other === index, operation.op)
      }
    }
  })

  it("refuses rows without the requested columns", () => {
    const results = Result.getOrThrow(Reply.judge([select(Bridge, [])], [{ rows: [{ name: "br0" }] }]))
    const failure = Result.getOrThrow(Result.flip(Reply.rows(Bridge.read, results, 0)))
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
        const results = Result.getOrThrow(Reply.judge(operations(Array.isArray(result) ? result.length : 0), result))
        return Result.getOrElse(Reply.rows(wanted.read, results, 0), () => [])
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
