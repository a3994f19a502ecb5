import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import {
  integer,
  type Kind,
  map,
  optional,
  reference,
  set,
  setOf,
  strings,
  text,
  uuid
} from "../../../src/ovs/client/OvsdbMessages.ts"

const id = "29782c68-4da5-4a94-8d1a-e091b140aeaf"
/** Through JSON text, as on the wire. */
const through = <A>(kind: Kind<A>, wire: unknown) => kind.read(JSON.parse(JSON.stringify(wire)))

describe("Notation", () => {
  it.prop("sets of strings survive the wire", [Schema.Array(Schema.String)], ([value]) => {
    assert.deepStrictEqual(through(setOf(text), set(value)), Option.some(value))
  })
  it.prop("sets of numbers survive the wire", [Schema.Array(Schema.Int)], ([value]) => {
    const withoutMinusZero = value.map((number) => number + 0)
    assert.deepStrictEqual(through(setOf(integer), set(value)), Option.some(withoutMinusZero))
  })
  it.prop("sets of references survive the wire", [Schema.Array(Schema.String)], ([value]) => {
    assert.deepStrictEqual(through(setOf(reference), set(value.map(uuid))), Option.some(value))
  })
  it.prop("optional values survive the wire", [Schema.UndefinedOr(Schema.Int)], ([value]) => {
    const withoutMinusZero = value === undefined ? undefined : value + 0
    assert.deepStrictEqual(
      through(optional(integer), set(value === undefined ? [] : [value])),
      Option.some(withoutMinusZero)
    )
  })
  it.prop("maps survive the wire", [Schema.Record(Schema.String, Schema.String)], ([value]) => {
    assert.deepStrictEqual(through(strings, map(value)), Option.some(value))
  })

  it("reads a set of one element as ovsdb-server writes it", () => {
    assert.deepStrictEqual(setOf(text).read("one"), Option.some(["one"]))
    assert.deepStrictEqual(setOf(text).read(["set", ["one"]]), Option.some(["one"]))
    assert.deepStrictEqual(setOf(reference).read(["uuid", id]), Option.some([id]))
    assert.deepStrictEqual(setOf(reference).read(["set", [["uuid", id]]]), Option.some([id]))
    assert.deepStrictEqual(optional(integer).read(7), Option.some(7))
    assert.deepStrictEqual(optional(integer).read(["set", []]), Option.some(undefined))
  })

  it("refuses what the column cannot hold", () => {
    const refused = (kind: Kind<unknown>, wire: unknown) =>
      assert.isTrue(Option.isNone(kind.read(wire)), JSON.stringify(wire))
    refused(text, undefined)
    refused(text, 7)
    refused(integer, 1.5)
    refused(integer, "7")
    refused(setOf(integer), "seven")
    refused(setOf(integer), ["set", [1, "seven"]])
    refused(optional(integer), ["set", [1, 2]])
    refused(optional(integer), ["set", ["seven"]])
    refused(optional(text), undefined)
    refused(setOf(reference), ["named-uuid", "row"])
    refused(reference, ["uuid", 7])
    refused(strings, ["map", [["key"]]])
    refused(strings, ["map", [["key", 7]]])
    refused(strings, ["set", []])
  })
})
