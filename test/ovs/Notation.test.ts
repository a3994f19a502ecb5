import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Notation from "../../src/ovs/Notation.ts"

const id = "29782c68-4da5-4a94-8d1a-e091b140aeaf"
const Strings = Notation.SetOf(Schema.String)
const Numbers = Notation.SetOf(Schema.Int)
const Uuids = Notation.SetOf(Notation.UuidText)
const MaybeNumber = Notation.OptionalOf(Schema.Int)

/** Through JSON text, as on the wire. */
const through = <A>(schema: Schema.Codec<A, unknown>, value: A): A =>
  Schema.decodeUnknownSync(schema)(JSON.parse(JSON.stringify(Schema.encodeSync(schema)(value))))

describe("Notation", () => {
  it.prop("sets of strings survive the wire", [Schema.Array(Schema.String)], ([value]) => {
    assert.deepStrictEqual(through(Strings, value), value)
  })
  it.prop("sets of numbers survive the wire", [Schema.Array(Schema.Int)], ([value]) => {
    const withoutMinusZero = value.map((number) => number + 0)
    assert.deepStrictEqual(through(Numbers, value), withoutMinusZero)
  })
  it.prop("sets of references survive the wire", [Schema.Array(Schema.String)], ([value]) => {
    assert.deepStrictEqual(through(Uuids, value), value)
  })
  it.prop("a value that may be missing survives the wire", [Schema.UndefinedOr(Schema.Int)], ([value]) => {
    assert.strictEqual(through(MaybeNumber, value), value)
  })
  it.prop("maps survive the wire", [Schema.Record(Schema.String, Schema.String)], ([value]) => {
    assert.deepStrictEqual(through(Notation.StringMap, value), value)
    assert.deepStrictEqual(Notation.map(value), Schema.encodeSync(Notation.StringMap)(value))
  })

  it("reads a set of one as ovsdb-server writes it", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(Strings)("one"), ["one"])
    assert.deepStrictEqual(Schema.decodeUnknownSync(Strings)(["set", ["one"]]), ["one"])
    assert.deepStrictEqual(Schema.decodeUnknownSync(Uuids)(["uuid", id]), [id])
    assert.deepStrictEqual(Schema.decodeUnknownSync(Uuids)(["set", [["uuid", id]]]), [id])
    assert.strictEqual(Schema.decodeUnknownSync(MaybeNumber)(7), 7)
    assert.isUndefined(Schema.decodeUnknownSync(MaybeNumber)(["set", []]))
  })

  it("writes a set of one as its element", () => {
    assert.strictEqual(Schema.encodeSync(Strings)(["one"]), "one")
    assert.deepStrictEqual(Schema.encodeSync(Uuids)([id]), ["uuid", id])
    assert.deepStrictEqual(Schema.encodeSync(Strings)([]), ["set", []])
  })

  it("refuses what the column cannot hold", () => {
    const refused = (schema: Schema.Codec<unknown, unknown>, wire: unknown) =>
      assert.strictEqual(Schema.decodeUnknownOption(schema)(wire)._tag, "None", JSON.stringify(wire))
    refused(Numbers, "seven")
    refused(Numbers, ["set", [1, "seven"]])
    refused(MaybeNumber, ["set", [1, 2]])
    refused(Uuids, ["named-uuid", "row"])
    refused(Notation.StringMap, ["map", [["key"]]])
    refused(Notation.StringMap, ["set", []])
  })
})
